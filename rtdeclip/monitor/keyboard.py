"""Every key of the window, in one table that also makes the help text."""

KEYS = (
    ("Ctrl+Return", "start", "start or stop the sound"),
    ("Space", "bypass", "bypass: hear the input"),
    ("A", "match", "bypass as loud as the restored sound"),
    ("P", "repair_only", "hear only what is repaired"),
    ("M", "mute", "mute"),
    ("Shift+Escape", "panic", "silence at once"),
    ("R", "record", "record input and output"),
    ("1", "wave", "waveforms"),
    ("D", "difference", "difference, and back"),
    ("S", "spectrogram", "spectrogram, and back"),
    ("B", "bench", "benchmark, and back"),
    ("F", "freeze", "freeze the picture"),
    ("C", "channel", "draw the next channel"),
    ("+", "zoom_in", "zoom in"),
    ("-", "zoom_out", "zoom out"),
    ("L", "lock", "lock the clip levels, or detect them"),
    ("K", "link", "link the clip levels"),
    ("Ctrl+Up", "louder_level", "raise the high clip level by 1 %"),
    ("Ctrl+Down", "softer_level", "lower the high clip level by 1 %"),
    ("0", "reset", "reset counters and peaks"),
    ("T", "theme", "dark or light"),
    ("Ctrl+O", "open", "open a file"),
    ("Ctrl+P", "pause", "pause the file"),
    ("Ctrl+E", "export", "restore the file to disk"),
    ("E", "effects", "add an effect"),
    ("Ctrl+S", "save", "save a preset"),
    ("F9", "panel", "side panel"),
    ("F10", "menu", "menu"),
    ("F1", "keys", "this list"),
    ("Ctrl+Q", "quit", "close the window"),
)


def help_text() -> str:
    """HTML of all keys."""
    rows = "".join(
        f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{words}</td></tr>"
        for key, _, words in KEYS
    )
    return f"<table>{rows}</table>Tab moves on, Return presses what has the focus."
