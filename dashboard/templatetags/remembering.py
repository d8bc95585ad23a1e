"""Parts of pages that are drawn once and shown again, from this process's memory."""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, NamedTuple

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()

MOST: Final = 500  # drawings of one part
HOLE: Final = re.compile(r"--hole-(\w+)--")

Values = dict[str, Any]


class Part(NamedTuple):
    """What a part of a page is made of.

    `key` is all that decides how it looks, but for the language; `drawn_of` gives what it is drawn
    of and must follow from the key alone. `own` is what is this showing's: HTML by name, which is
    never kept. The part is drawn with holes of these names, and they are filled each time.
    """

    key: Hashable = ()
    drawn_of: Callable[[], Values] = dict
    own: Mapping[str, object] = {}


def hole(name: str) -> SafeString:
    """What stands in a drawing for something of one showing's own; fit for an address, too."""
    return mark_safe(f"--hole-{name}--")  # noqa: S308 - a name of ours


class Remembered(template.Node):
    """Its content, drawn once for each key in each language."""

    def __init__(self, nodelist: Any, part: Any) -> None:
        self.nodelist, self.part = nodelist, part
        self.drawn: OrderedDict[tuple[Any, ...], str] = OrderedDict()

    def render(self, context: template.Context) -> SafeString:
        """Two threads may draw the same at one moment; then one of them was enough."""
        part = self.part.resolve(context) if self.part else Part()
        key = (get_language(), part.key)
        drawn = self.drawn.get(key)
        if drawn is None:
            drawn = self.drawn[key] = self._draw(context.template, part)
            if len(self.drawn) > MOST:
                self.drawn.popitem(last=False)
        own = {**part.own, "csrf_token": context.get("csrf_token", "")}
        return mark_safe(drawn % own)  # noqa: S308 - drawn by our templates, filled with HTML

    def _draw(self, page: Any, part: Part) -> str:
        """The content as a format. It sees nothing of the request: what it could show of one
        person would be shown to the next."""
        holes = {name: hole(name) for name in (*part.own, "csrf_token")}
        alone = template.Context(holes | part.drawn_of())
        with alone.bind_template(page):
            text = self.nodelist.render(alone)
        return HOLE.sub(r"%(\1)s", text.replace("%", "%%"))


@register.tag
def remembered(parser: Any, token: Any) -> Remembered:
    """`{% remembered part %}…{% endremembered %}`, where `part` is a `Part`; without one it depends
    on nothing but the language. The content sees what the part gives it, and no more."""
    words = token.split_contents()[1:]
    nodelist = parser.parse(("endremembered",))
    parser.delete_first_token()
    return Remembered(nodelist, parser.compile_filter(words[0]) if words else None)
