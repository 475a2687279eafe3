"""`homequeue run` as a person and a service manager meet it: starts, stops, deaths, Ctrl-C."""

import contextlib
import socket
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.processes.conftest import Serve
from tests.processes.servers import (
    BROKEN,
    NAME,
    PASSWORD,
    Homequeue,
    eventually,
    is_alive,
    noise,
    running,
    slow_photo,
)

pytestmark = [pytest.mark.slow, pytest.mark.rows]

#: Seconds within which a dead web process serves again, a dead worker's job is somebody's.
WEB_BACK, JOB_BACK = 5.0, 2.0
#: Seconds that stopping may take when nothing is being done.
PROMPT = 5.0


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0 and probe.bind(("", port)) is None


def send_slow_photo(server: Homequeue, seed: int = 1) -> int:
    """Send a photo that takes long and wait until a worker has begun with it."""
    asset = server.upload(slow_photo(seed), "slow.png").json["assets"][0]["id"]
    eventually(lambda: job_of(server, asset)["state"] == "running", "the job runs")
    return int(asset)


def job_of(server: Homequeue, asset: int) -> dict[str, object]:
    return dict(server.rows("select * from job where asset_id = ?", asset)[0])


def state_of(server: Homequeue, asset: int) -> str:
    return str(server.get(f"/api/assets/{asset}")["state"])


def test_a_family_sets_up_with_the_printed_code(serve: Serve) -> None:
    server = serve(account=False)
    assert server.address == server.url + "/"
    assert server.get("/healthz")["status"] == "ok"
    eventually(lambda: server.request("GET", "/readyz").status == 200, "workers are ready")
    html = {"Accept": "text/html"}
    assert server.request("GET", "/", headers=html).headers["location"] == "/sign-in"
    assert server.request("GET", "/sign-in", headers=html).headers["location"] == "/set-up"
    assert "Set-up code" in server.request("GET", "/set-up", headers=html).text

    person = {"name": NAME, "password": PASSWORD}
    wrong = server.post_form("/set-up", code="0000-0000-0000", **person)
    assert wrong.status == 403
    assert not server.cookie
    right = server.post_form("/set-up", code=server.set_up_code, **person)
    assert (right.status, right.headers["location"]) == (303, "/upload")
    assert server.request("GET", "/", headers=html).status == 200

    first, server.cookie = server.cookie, ""
    assert server.post_form("/set-up", code=server.set_up_code, **person).status in (403, 409)
    assert not server.cookie
    assert server.post_form("/sign-in", **person).status == 303
    assert server.cookie != first
    assert server.request("GET", "/activity", headers=html).status == 200


def test_a_web_process_that_is_replaced_asks_nobody_again(serve: Serve) -> None:
    server = serve(account=False)
    said, code = server.out, server.set_up_code
    server.kill("web")
    eventually(server.answers, "it serves again", WEB_BACK)
    assert server.out == said
    person = {"name": NAME, "password": PASSWORD}
    assert server.post_form("/set-up", code=code, **person).status == 303


def test_a_second_start_asks_nobody_to_set_up_again(serve: Serve) -> None:
    server = serve()
    said = server.out.count("Set-up code")
    assert server.stop()[0] == 0
    server.start()
    assert server.out.count("Set-up code") == said
    assert server.get("/api/assets") == {"assets": [], "next": None}


def test_term_ends_it_at_once_when_nothing_is_being_done(serve: Serve) -> None:
    server = serve()
    code, seconds = server.stop()
    assert code == 0
    assert seconds < PROMPT
    assert not server.family()
    assert is_free(server.port)
    assert server.rows("select * from worker") == []
    assert "Traceback" not in server.err


@pytest.mark.parametrize("who", ["web", "worker 1"])
def test_term_in_the_first_moment_is_heard_too(who: str, tmp_path: Path) -> None:
    """A child that has just been forked must not take the signal for its parent's."""
    for number in range(4):
        server = Homequeue(tmp_path / str(number))
        try:
            server.launch()
            eventually(lambda server=server: f"{who} started" in server.err, f"{who} is there")
            code, seconds = server.stop()
            assert code == 0
            assert seconds < PROMPT
            assert "Traceback" not in server.err
        finally:
            server.end()


def test_term_as_a_spare_worker_comes_is_heard_too(serve: Serve) -> None:
    server = serve(queue_grace=120)
    send_slow_photo(server)
    eventually(lambda: "worker 2 started" in server.err, "a spare worker is coming")
    code, seconds = server.stop()
    assert code == 0
    assert seconds < 60, "one of them was waited for"


def test_term_lets_a_running_job_finish(serve: Serve) -> None:
    server = serve()
    asset = send_slow_photo(server)
    code, seconds = server.stop()
    job = job_of(server, asset)
    assert (code, job["state"], job["attempts"]) == (0, "succeeded", 1)
    assert seconds < 20
    server.start()
    assert state_of(server, asset) == "ready"


def test_term_puts_a_job_back_that_does_not_finish_within_the_grace(serve: Serve) -> None:
    server = serve(queue_grace=0)
    asset = send_slow_photo(server)
    code, seconds = server.stop()
    job = job_of(server, asset)
    assert (code, job["state"], job["deaths"], job["attempts"]) == (0, "queued", 0, 0)
    assert seconds < PROMPT
    server.start()
    eventually(lambda: state_of(server, asset) == "ready", "the job was done at the second start")


def test_an_answer_that_was_begun_is_given_before_the_stop(serve: Serve) -> None:
    server = serve()
    data = noise(1)
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        head = f"POST /api/assets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        line.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data[:-1])
        assert server.answers()  # so the other line's bytes have been read too
        assert server.process is not None
        server.process.terminate()
        eventually(lambda: not server.answers(), "it takes no more connections", 5)
        line.sendall(data[-1:])
        answer = line.makefile("rb").readline()
    assert answer.startswith(b"HTTP/1.1 201"), answer
    assert server.process.wait(20) == 0
    server.start()
    assert [one["state"] for one in server.settled(1)] == ["ready"]


def test_busy_clients_do_not_hold_the_stop_up(serve: Serve) -> None:
    """Phones that send one photo after another over lines that stay open."""
    server = serve()
    refused = threading.Barrier(5)

    def send_for_ever(seed: int) -> None:
        with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as line:
            headers = {"Authorization": f"Bearer {server.token}", "X-Filename": "same.jpg"}
            with contextlib.suppress(*BROKEN):
                while True:
                    line.request("POST", "/api/assets", noise(seed, 1200, 1000), headers)
                    answer = line.getresponse()
                    assert answer.status in (200, 201), answer.status
                    answer.read()
                    # A client may reconnect; here that would be a refusal.
                    if answer.will_close:
                        break
        refused.wait(60)

    senders = [threading.Thread(target=send_for_ever, args=(seed,)) for seed in range(4)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(server.rows("select id from asset")) == 4, "all four send")
    code, seconds = server.stop()
    refused.wait(60)
    for sender in senders:
        sender.join(60)
    assert code == 0
    assert seconds < PROMPT


def test_ctrl_c_ends_it_as_term_does(serve: Serve) -> None:
    server = serve()
    asset = send_slow_photo(server)
    code, seconds = server.interrupt()
    assert code in (0, 130)
    assert seconds < 20
    assert not server.family()
    assert is_free(server.port)
    assert "Traceback" not in server.err
    assert job_of(server, asset)["state"] in ("succeeded", "queued")
    server.start()
    eventually(lambda: state_of(server, asset) == "ready", "the photo is ready")


def test_a_killed_web_process_is_back_soon(serve: Serve) -> None:
    server = serve()
    server.upload(noise(1))
    killed = server.kill("web")
    began = time.monotonic()
    eventually(lambda: not is_alive(killed or 0), "it is dead")
    eventually(server.answers, "it serves again", WEB_BACK)
    assert time.monotonic() - began < WEB_BACK
    assert server.pids()["web"] not in ([], [killed])
    assert server.upload(noise(2)).status == 201
    assert {asset["state"] for asset in server.settled(2)} == {"ready"}


def test_a_killed_worker_is_replaced_and_its_job_done_by_another(serve: Serve) -> None:
    server = serve()
    asset = send_slow_photo(server)
    owner = str(job_of(server, asset)["worker"])
    pid = int(owner.split("/")[-2])
    assert pid in server.pids()["worker"]
    decoders = server.pids()["decoder"]
    assert server.kill_pid(pid)
    began = time.monotonic()
    eventually(
        lambda: job_of(server, asset)["worker"] not in (None, owner), "another has it", JOB_BACK
    )
    assert time.monotonic() - began < JOB_BACK
    eventually(lambda: not any(map(is_alive, decoders)), "its decoder died with it", 2)
    eventually(lambda: state_of(server, asset) == "ready", "the photo is ready")
    job = job_of(server, asset)
    assert (job["deaths"], job["attempts"]) == (1, 2)
    assert pid not in server.pids()["worker"]


def test_a_spare_worker_comes_when_the_first_is_busy(serve: Serve) -> None:
    server = serve()
    eventually(lambda: server.pids()["worker"], "a worker is there")
    assert len(server.pids()["worker"]) == 1
    slow = send_slow_photo(server)
    quick = server.upload(noise(1)).json["assets"][0]["id"]
    eventually(lambda: state_of(server, quick) == "ready", "the quick one is ready")
    assert state_of(server, slow) == "processing"
    assert len(server.pids()["worker"]) == 2
    eventually(lambda: state_of(server, slow) == "ready", "so is the slow one")


def test_a_decoder_that_is_killed_costs_its_job_only(serve: Serve) -> None:
    server = serve()
    asset = send_slow_photo(server)
    workers = server.pids()["worker"]
    eventually(lambda: server.kill("decoder"), "there is a decoder")
    eventually(lambda: state_of(server, asset) in ("ready", "failed"), "it has ended")
    assert server.upload(noise(1)).status == 201
    server.settled(2)
    assert set(workers) <= set(server.pids()["worker"])


def test_the_death_of_the_supervisor_is_the_end_of_all(serve: Serve) -> None:
    server = serve()
    asset = send_slow_photo(server)
    assert server.kill("supervisor")
    eventually(lambda: not server.family(), "no process is left", 10)
    eventually(lambda: is_free(server.port), "the port is free", 5)
    server.start()
    eventually(lambda: state_of(server, asset) == "ready", "the photo is ready")


def test_a_job_that_kills_its_worker_again_and_again_is_set_aside(serve: Serve) -> None:
    server = serve(queue_workers=1)
    asset = send_slow_photo(server)
    for deaths in (1, 2, 3):

        def is_running(deaths: int = deaths) -> bool:
            job = job_of(server, asset)
            return job["state"] == "running" and job["deaths"] == deaths - 1

        eventually(is_running, f"it runs for the {deaths}. time", 30)
        assert server.kill_pid(int(str(job_of(server, asset)["worker"]).split("/")[-2]))
    eventually(lambda: job_of(server, asset)["state"] == "quarantined", "it is set aside", 30)
    shown = server.get(f"/api/assets/{asset}")
    assert shown["state"] == "failed"
    assert "three times" in shown["error"]
    assert server.upload(noise(1)).status == 201
    states = {one["id"]: one["state"] for one in server.settled(2)}
    assert states.pop(asset) == "failed"
    assert list(states.values()) == ["ready"]
    job = job_of(server, asset)["id"]
    assert server.post(f"/api/jobs/{job}/retry").status == 200
    eventually(lambda: state_of(server, asset) == "ready", "asked for again, it is done")


@pytest.mark.parametrize("command", ["web", "run"])
def test_a_port_in_use_is_said_in_one_line(tmp_path: Path, command: str) -> None:
    with running(tmp_path / "first", account=False) as first:
        second = Homequeue(tmp_path / "second", {"server_port": first.port})
        second.folder.mkdir()
        ended = second.cli(command)
        assert ended.returncode == 1
        assert ended.stderr.strip() == (
            f"homequeue: Cannot listen on 127.0.0.1:{first.port}: Address already in use. "
            "Another port is chosen with --port."
        )
        assert ended.stdout == ""
        assert not second.data.exists()


def test_a_web_process_that_dies_leaves_the_address_taken(serve: Serve) -> None:
    """The supervisor holds it, so that nobody is sent away while another web process comes."""
    server = serve()
    server.kill("web")
    assert server.request("GET", "/healthz").status == 200


def test_web_and_worker_work_apart(tmp_path: Path) -> None:
    web = Homequeue(tmp_path, command="web")
    worker = Homequeue(tmp_path, command="worker")
    try:
        web.start().open_account()
        assert web.request("GET", "/readyz").status == 503
        assert web.upload(noise(1)).status == 201
        assert web.assets()[0]["state"] == "pending"
        worker.launch()
        assert [one["state"] for one in web.settled(1)] == ["ready"]
        assert web.request("GET", "/readyz").status == 200
        assert worker.stop()[0] == 0
        assert web.request("GET", "/readyz").status == 503
        assert web.stop()[0] == 0
    finally:
        worker.end()
        web.end()


def test_a_folder_that_is_served_is_not_served_twice(serve: Serve) -> None:
    """As when systemd's homequeue runs and somebody starts another by hand."""
    server = serve()
    second = Homequeue(server.folder).cli("run")
    (supervisor,) = server.pids()["supervisor"]
    said = f"homequeue: homequeue already runs on {server.data} (process {supervisor})."
    assert (second.returncode, second.stdout, second.stderr.strip()) == (1, "", said)
    server.kill("supervisor")
    eventually(lambda: not server.family(), "no process is left", 10)
    server.start()
    assert server.answers()


def test_a_second_web_process_on_one_folder_does_no_harm(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        second = Homequeue(tmp_path, token=first.token, command="web")
        try:
            second.start()
            for number in range(8):
                server = (first, second)[number % 2]
                assert server.upload(noise(number), f"{number}.jpg").status == 201
            assert {asset["state"] for asset in first.settled(8)} == {"ready"}
            assert sorted(first.jobs()) == ["succeeded"]
        finally:
            second.stop()
