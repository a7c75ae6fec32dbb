"""Built-in effects: what may stand before and after the declipper in a chain.

Each takes blocks of any length (``hop`` is 0) and every split gives the same bits.
Settings marked ``live`` glide to their new value, so that no click is heard.
"""
