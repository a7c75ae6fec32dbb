import os
import time

from rtdeclip.live.config import LiveConfig
from rtdeclip.live.supervisor import Supervisor

GONE = """
import json, sys
sys.stdin.readline()
info = {"sample_rate": 48000, "n_channels": 2}
print(json.dumps({"event": "started", "telemetry": "/nowhere", "info": info}))
sys.exit(75)
"""


def test_a_device_lost_before_the_host_looked_is_waited_for(tmp_path):
    (tmp_path / "gone.py").write_text(GONE)
    config = LiveConfig(telemetry=str(tmp_path / "a.telemetry"))
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    session = Supervisor(config, env=env, module="gone")
    session.start()
    events, deadline = [], time.monotonic() + 30.0
    while not session.restarts and time.monotonic() < deadline:
        events += session.poll()
    session.stop()
    assert [(e["event"], e.get("code")) for e in events] == [
        ("started", None),
        ("reconnecting", 75),
    ]
    assert session.error is None
    assert session.config.expect == (48000, 2)
