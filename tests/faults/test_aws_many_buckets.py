"""A long listing of buckets, long enough for a server to gzip it where it may."""

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline

NOON = 1_795_435_200
CONFIG = "fleet: acme\ngather: {aws: {regions: [eu-central-1], resources: [bucket]}}\nrules: []\n"


def test_many_buckets_are_listed_whole(tmp_path, monkeypatch):
    fleet = simulate(7, 6000, ("eu-central-1",), start=NOON, script=())
    (tmp_path / "nephoscope.yaml").write_text(CONFIG)
    with LocalAws(fleet, with_ministack=False) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        aws.set_time(NOON)
        config = compile_file(tmp_path / "nephoscope.yaml").config
        settings = Settings(store="sqlite", table=str(tmp_path / "memory"), home_region="eu-central-1")
        clock = SystemClock()
        reader = open_outside(config, settings, clock).readers[Cloud.AWS]
        scope = Scope(Cloud.AWS, "111111111111", "eu-central-1")
        inventory = reader.read_inventory(scope, config, Deadline(clock.monotonic() + 20, clock.monotonic))
    assert inventory.gaps == ()
    assert inventory.complete == {Kind.BUCKET}
    assert sorted(one.id for one in inventory.resources) == sorted(bucket.name for bucket in fleet.buckets)
    assert len(fleet.buckets) == 62
