# Types of the compiled twin, for `choose` alone: see `seam.Plane`.

from app.domain.dataplane.seam import Planner

class DataPlane:
    def __init__(self, planner: Planner, seed: int, max_payload: int, max_control_line: int) -> None: ...
