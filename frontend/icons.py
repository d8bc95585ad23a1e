"""Write dashboard/icons.json: the inner drawing of every icon named here, from Lucide."""

import json
import re
from pathlib import Path

NAMES = """
arrow-left arrow-right badge-check ban bell building-2 calendar chart-column check chevron-down
chevron-left chevron-right chevrons-up-down circle-alert circle-check circle-dashed circle-dot
circle-help circle-user circle-x clock copy credit-card download ellipsis external-link eye
file-text flag flask-conical globe hourglass house inbox indian-rupee info key-round landmark
layers-plus link list-filter lock log-out mail menu monitor-smartphone moon pause play plug plus
printer qr-code receipt refresh-cw rotate-ccw search send settings share-2 shield-check
smartphone store sun sun-moon trash-2 triangle-alert undo-2 user-plus users wallet wrench x zap
""".split()
HERE = Path(__file__).parent
LUCIDE = HERE / "node_modules" / "lucide-static"
NOTE = "Icons from Lucide, ISC License, Copyright (c) Lucide Icons and Contributors; "
NOTE += "some derived from Feather, MIT License, Copyright (c) 2013-present Cole Bemis."


def drawing(name: str) -> str:
    text = (LUCIDE / "icons" / f"{name}.svg").read_text()
    inner = re.sub(r"(?s).*?<svg.*?>(.*)</svg>.*", r"\1", text)
    return " ".join(inner.split())


if __name__ == "__main__":
    icons = {"_licence": NOTE} | {name: drawing(name) for name in sorted(NAMES)}
    (HERE.parent / "dashboard" / "icons.json").write_text(json.dumps(icons, indent=1) + "\n")
