# Types of the compiled twin, for `choose` alone: see `seam.Plane`.

from app.domain.dataplane.seam import MakePlane

DataPlane: MakePlane
