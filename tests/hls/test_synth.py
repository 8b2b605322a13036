"""``python -m hls synth`` with and without Vitis HLS, which is stood in for by a script."""

import json
import os
import re

import pytest

from hls.__main__ import main
from tests.rtl.networks import NETWORKS

REPORT = """\
<profile>
  <UserAssignments><TargetClockPeriod>5.00</TargetClockPeriod></UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><EstimatedClockPeriod>3.65</EstimatedClockPeriod>
    </SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency><Best-caseLatency>1234</Best-caseLatency>
      <Worst-caseLatency>1234</Worst-caseLatency><Interval-min>777</Interval-min>
      <Interval-max>777</Interval-max></SummaryOfOverallLatency>
  </PerformanceEstimates>
  <AreaEstimates><Resources><LUT>4321</LUT></Resources>
    <AvailableResources><LUT>230400</LUT></AvailableResources></AreaEstimates>
</profile>
"""
GOOD = f"""\
#!/bin/sh
[ "$*" = "--tcl build_prj.tcl --mode hls" ] || exit 9
grep -q "synth 1" build_opt.tcl || exit 8
mkdir -p spiking_dncnn_prj/solution1/syn/report
echo '<p><solutions><solution name="solution1"/></solutions></p>' > spiking_dncnn_prj/hls.app
cat > spiking_dncnn_prj/solution1/syn/report/spiking_dncnn_csynth.xml <<'END'
{REPORT}END
"""
BAD = "#!/bin/sh\necho 'ERROR: no licence'\nexit 3\n"
SILENT = "#!/bin/sh\n"


@pytest.fixture
def arguments(tmp_path):
    path = tmp_path / "tiny.safetensors"
    NETWORKS["tiny"].deployment.save(path)
    output = str(tmp_path / "synth")
    return ["synth", "--deployment", str(path), "--size", "2,2", "-o", output]


@pytest.fixture
def vitis(tmp_path, monkeypatch):
    def install(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "vitis-run").write_text(script)
        (folder / "vitis-run").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


def test_figures_are_reported(arguments, vitis, tmp_path, capsys):
    vitis(GOOD)
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "WorstLatency          1234" in text
    figures = json.loads((tmp_path / "synth/report.json").read_text())
    assert figures["IntervalMax"] == "777"
    assert figures["LUT"] == "4321"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [(BAD, "exit code 3.*ERROR: no licence"), (SILENT, "no readable report")],
)
def test_failure_is_told(arguments, vitis, tmp_path, capsys, script, sentence):
    vitis(script)
    assert main(arguments) == 1
    assert re.search(sentence, capsys.readouterr().err)
    assert not (tmp_path / "synth").exists()


def test_missing_tool_is_told_in_a_sentence(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "Vitis HLS is missing (vitis-run is not on the PATH)" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "synth").exists()
