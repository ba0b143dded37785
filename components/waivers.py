"""What the rules in policies/ would refuse and is meant, from the modules whose resources it is about."""

from components import messaging, network, security, storage
from policies.model import Waiver

WAIVERS: tuple[Waiver, ...] = (*messaging.WAIVERS, *network.WAIVERS, *security.WAIVERS, *storage.WAIVERS)
