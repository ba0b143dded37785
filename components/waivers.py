"""What the rules in policies/ would refuse and is meant, from the modules whose resources it is about."""

from components.messaging import events
from components.security import key, network
from components.storage import zone
from policies.model import Waiver

WAIVERS: tuple[Waiver, ...] = (*events.WAIVERS, *network.WAIVERS, *key.WAIVERS, *zone.WAIVERS)
