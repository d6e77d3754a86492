from .commands import main as main
from .options import open_catalog as open_catalog
from .options import plugin_option as plugin_option
from .options import say as say
from .options import tell_broken as tell_broken
from .progress_bars import seconds_in_words as seconds_in_words
from .progress_bars import showing_waits as showing_waits
