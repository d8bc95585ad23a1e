"""Parts of pages that look the same for the same reasons, from this process's memory."""

from collections import OrderedDict
from typing import Any, Final

from django import template
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

MOST: Final = 500  # showings of one part
PLAIN: Final = (str, int, bool, type(None))


class Remembered(template.Node):
    """Its content, drawn once for each value of its reasons in each language."""

    def __init__(self, nodelist: Any, reasons: list[Any]) -> None:
        self.nodelist, self.reasons = nodelist, reasons
        self.shown: OrderedDict[tuple[Any, ...], SafeString] = OrderedDict()

    def render(self, context: template.Context) -> SafeString:
        """Two threads may draw the same at one moment; then one of them was enough."""
        key = (get_language(), *(_plain(reason.resolve(context, True)) for reason in self.reasons))
        found = self.shown.get(key)
        if found is None:
            found = self.nodelist.render(context)
            self.shown[key] = found
            if len(self.shown) > MOST:
                self.shown.popitem(last=False)
        return found


@register.tag
def remembered(parser: Any, token: Any) -> Remembered:
    """`{% remembered reason … %}…{% endremembered %}`: the reasons must hold everything that the
    content depends on. Never around what is for one person alone."""
    reasons = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    nodelist = parser.parse(("endremembered",))
    parser.delete_first_token()
    return Remembered(nodelist, reasons)


def _plain(value: Any) -> Any:
    """Something to compare by. Of a dictionary, such as a place in a menu, all but texts that wait
    for a language, for they follow from that and from where it leads."""
    if isinstance(value, SimpleLazyObject):
        value = value[:]  # a list that is asked for only where it is shown
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return tuple(each for each in value.values() if type(each) in PLAIN)
    return value
