"""The report in a real browser (Chromium)."""

import shutil
import subprocess

import pytest

import motornet_nb as mn

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of eight reaches of an untrained network."""
    from motornet_nb.views.report import write_report

    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = mn.Environment(arm, mn.CenterOutReach(), duration=0.4, vision_delay=0.05, proprioception_delay=0.02)
    net = mn.PolicyGRU(env.n_observations, 8, env.n_actions)
    log = mn.train(net, env, n_batches=3, batch_size=4, progress=False)
    folder = tmp_path_factory.mktemp("report")
    write_report(folder / "report.html", mn.simulate(net, env), log=log, environment=env)
    return folder


def test_report_draws_its_figures_without_a_network(report):
    """Every Bokeh figure is rendered, nothing is fetched, and the console has no error."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "this test needs Chromium (Debian: apt-get install chromium)"
    page = (report / "report.html").as_uri()
    run = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={report / 'profile'}", "--dump-dom", page],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count('class="bk-') >= 3 or run.stdout.count("bk-Figure") >= 3, run.stdout[-2000:]
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    bad = [line for line in console if "error" in line.lower() or "refused" in line.lower() or "failed" in line.lower()]
    assert not bad, bad
