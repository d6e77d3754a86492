from .planner import make_plan as make_plan
from .suitability import free_space as free_space
from .suitability import too_large as too_large
from .suitability import too_many_ways as too_many_ways
from .suitability import unsuitable as unsuitable
from .transfers import TransferReader as TransferReader
