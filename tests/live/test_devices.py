import sys

import pytest

from rtdeclip.errors import DeviceError, MissingExtraError
from rtdeclip.live.devices import (
    Device,
    choose,
    is_loudspeaker_feedback,
    route_pulse,
    share_a_clock,
)
from rtdeclip.live.portaudio import sounddevice

MIC = Device("USB Mic: Audio (hw:1,0)", "ALSA", 0, 1, 0, 48000)
CARD = Device("HDA Intel", "ALSA", 1, 2, 2, 48000, True, True)
JACK_MIC = Device("system", "JACK Audio Connection Kit", 2, 2, 2, 48000)
SINK = Device("alsa_output.pci-1.3.stereo", "PulseAudio", -1, 0, 2, 48000)
SOURCE = Device("alsa_input.pci-1.3.stereo", "PulseAudio", -1, 2, 0, 48000)
USB = Device("alsa_input.usb-Acme.mono", "PulseAudio", -1, 1, 0, 48000)
ALL = [MIC, CARD, JACK_MIC, SINK, SOURCE, USB]


@pytest.mark.parametrize(
    ("name", "direction", "device"),
    [
        ("default", "input", CARD),
        ("0", "input", MIC),
        ("usb mic", "input", MIC),
        ("system", "output", JACK_MIC),
        ("intel, alsa", "output", CARD),
        ("pulse:alsa_output.pci-1.3.stereo", "output", SINK),
        ("acme", "input", USB),
    ],
)
def test_a_device_is_found_by_what_a_user_types(name, direction, device):
    assert choose(name, direction, ALL) == device


def test_a_device_that_cannot_do_it_is_not_chosen():
    with pytest.raises(DeviceError, match=r"No output device fits 'USB'.*HDA Intel"):
        choose("USB", "output", ALL)
    with pytest.raises(DeviceError, match="no input device at all"):
        choose("default", "input", [SINK])


def test_default_microphone_into_default_loudspeakers_is_feedback():
    assert is_loudspeaker_feedback(CARD, CARD)
    assert not is_loudspeaker_feedback(MIC, CARD)


def test_clocks_are_judged_by_name():
    assert share_a_clock(CARD, CARD)
    assert share_a_clock(SOURCE, SINK)
    assert share_a_clock(JACK_MIC, JACK_MIC)
    assert not share_a_clock(USB, SINK)
    assert not share_a_clock(MIC, CARD)
    assert not share_a_clock(SOURCE, CARD)


def test_alsa_is_led_to_a_servers_sink_by_a_file_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("PULSE_SERVER", "unix:/tmp/x")
    route_pulse({"output": SINK, "input": CARD}, tmp_path / "conf")
    text = (tmp_path / "conf").read_text()
    assert 'pcm.rtdeclip_out { type pulse server "unix:/tmp/x"' in text
    assert 'device "alsa_output.pci-1.3.stereo"' in text
    assert "rtdeclip_in" not in text


def test_a_missing_portaudio_is_an_error_that_installs_it(monkeypatch):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(MissingExtraError, match="sudo apt install libportaudio2"):
        sounddevice()
