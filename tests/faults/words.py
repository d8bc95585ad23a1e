"""How the campaign knows whose a page or a mail is."""

import re

CANARY = re.compile(r"canary[0-9a-f]{12}")
ORDER_ID = re.compile(r"pay_[a-z0-9]{20}")
