from .commands import main as main
from .options import columns as columns
from .options import open_catalog as open_catalog
from .options import plugin_option as plugin_option
from .options import say as say
from .options import tell_broken as tell_broken
from .waiting import seconds_in_words as seconds_in_words
from .waiting import showing_waits as showing_waits
