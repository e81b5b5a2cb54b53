"""Kernels that are copies of a process in which everything is imported."""

import os
import subprocess
import sys
import time

import psutil
import pytest

SERVER = """
import asyncio, os, sys
from jupyter_client.manager import AsyncKernelManager
from motornet_nb.panels.served_kernel import fork_kernels

async def serve():
    fork_kernels()
    manager = AsyncKernelManager()
    await manager.start_kernel(env={**os.environ, "SAID": "by the server"}, cwd=sys.argv[1])
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    said = []
    code = "import os, sys; print(os.environ['SAID'], os.getcwd(), 'motornet_nb.panels.perturb_panel' in sys.modules, 'voila' in sys.modules)"
    await client.execute_interactive(code, output_hook=said.append)
    print(*[m["content"]["text"].strip() for m in said if m["msg_type"] == "stream"], manager.provisioner.pid, flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(serve())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Jupyter's ordinary kernels start")
def test_a_copy_has_imported_everything_and_ends_with_its_server(tmp_path):
    "Its variables and its folder are those it was given; it ends even when the server is killed."
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as server:
        *said, pid = server.stdout.readline().split()
        assert said == ["by", "the", "server", os.fspath(tmp_path), "True", "False"]
        kernel = psutil.Process(int(pid))
        server.kill()
    end = time.monotonic() + 20
    while kernel.is_running() and kernel.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the kernel goes on"
        time.sleep(0.1)
