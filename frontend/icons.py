"""Write dashboard/icons.json: the inner drawing of every icon named here, from Lucide."""

import json
import re
from pathlib import Path

NAMES = """
arrow-down-left arrow-left arrow-right arrow-up-right badge-check ban banknote bell building-2
calendar chart-column check chevron-down chevron-left chevron-right chevrons-up-down
circle-alert circle-check circle-dashed circle-dot circle-help circle-pause circle-slash
circle-user circle-x clock copy credit-card database download ellipsis external-link eye
file-check file-down file-text flag flask-conical globe hand hand-coins hash history hourglass
house image inbox indian-rupee info key-round landmark layers layers-plus life-buoy link
list-checks list-filter loader lock log-out mail mail-check mail-x menu message-circle
monitor-smartphone moon pause pencil play plug plus printer qr-code receipt refresh-cw
rotate-ccw scale search send server settings share-2 shield-alert shield-check smartphone store
sun sun-moon tag ticket timer trash-2 triangle-alert undo-2 upload user-minus user-plus users
wallet webhook wifi-off wrench x zap
"""
HERE = Path(__file__).parent
LUCIDE = HERE / "node_modules" / "lucide-static"
NOTE = "Icons from Lucide, ISC License, Copyright (c) Lucide Icons and Contributors; "
NOTE += "some derived from Feather, MIT License, Copyright (c) 2013-present Cole Bemis."


def drawing(name: str) -> str:
    text = (LUCIDE / "icons" / f"{name}.svg").read_text()
    inner = re.sub(r"(?s).*?<svg.*?>(.*)</svg>.*", r"\1", text)
    return " ".join(inner.split())


if __name__ == "__main__":
    icons = {"_licence": NOTE} | {name: drawing(name) for name in sorted(NAMES.split())}
    (HERE.parent / "dashboard" / "icons.json").write_text(json.dumps(icons, indent=1) + "\n")
