"""The attacks, one module a family."""

from __future__ import annotations

from tests.attacks.attack import Attack
from tests.attacks.collection import (
    comparison,
    crashing,
    exhaustion,
    feedback,
    files,
    hooks,
    malformed,
    metadata,
    modules,
    network,
    others,
    output,
    processes,
    reading,
    serialisation,
    skipping,
)

FAMILIES = {
    "test skipping": skipping.ATTACKS,
    "execution hooks": hooks.ATTACKS,
    "output forging": output.ATTACKS,
    "comparison forging": comparison.ATTACKS,
    "reading answers": reading.ATTACKS,
    "shadowed modules": modules.ATTACKS,
    "gradebook and file writes": files.ATTACKS,
    "other submissions": others.ATTACKS,
    "network": network.ATTACKS,
    "processes left behind": processes.ATTACKS,
    "resource exhaustion": exhaustion.ATTACKS,
    "crashing": crashing.ATTACKS,
    "serialisation": serialisation.ATTACKS,
    "metadata editing": metadata.ATTACKS,
    "malformed files": malformed.ATTACKS,
    "scripts in feedback": feedback.ATTACKS,
}
"""By the names that the project's goals give them."""

ATTACKS: dict[str, Attack] = {one.name: one for several in FAMILIES.values() for one in several}
