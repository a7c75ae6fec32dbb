"""Every error rtdeclip raises on purpose.

    RtdeclipError
    ├── InputError            the audio given cannot be used (empty, shape, dtype)
    │   └── FileError         a file cannot be read or written
    ├── SettingError          an option or setting is out of its range or unknown
    ├── PluginError           a processor or effect is unknown, broken or unfit
    ├── ModelError            a model is damaged, foreign, too new or off-rate
    ├── MissingExtraError     an optional package or system library is not installed
    └── DeviceError           a sound device or server is missing, busy or gone

Each message has three parts: what was given, what is needed, what to type or change.
"""


class RtdeclipError(Exception):
    """Base of all errors below; catch it to catch them all."""


class InputError(RtdeclipError):
    """The audio given cannot be used; change the audio."""


class FileError(InputError):
    """A file cannot be read or written; the message names the file and the cure."""


class SettingError(RtdeclipError):
    """An option or setting is unknown or out of range; the message gives the range."""


class PluginError(RtdeclipError):
    """A processor or effect is unknown, broken or unfit for this use."""


class ModelError(RtdeclipError):
    """A model file is damaged, foreign, too new or made for another sample rate."""


class MissingExtraError(RtdeclipError):
    """An optional package or system library is missing; the message installs it."""


class DeviceError(RtdeclipError):
    """A sound device or sound server is missing, busy or gone."""
