# Types of the compiled twin, for `choose` alone: see `seam.Plane`.

from .seam import MakePlane

DataPlane: MakePlane
