"""Journey 3: a library is tagged by a plan that a person edits, whatever interrupts it, and untagged."""

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .product import KM365, Up, until

OFFICE = "childrensagency.sharepoint.example:/sites/co-bel"
HEADQUARTERS = "childrensagency.sharepoint.example:/sites/hq-km"
SEEDS = Path(__file__).parents[3] / "shared" / "seeds"


def test_a_plan_is_edited_applied_through_kills_seen_and_undone(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    before = _fields(up, OFFICE)
    up.km365("tag", "plan", "--site", OFFICE, "-o", str(file))
    assert _fields(up, OFFICE) == before, "a plan changes nothing"

    plan = json.loads(file.read_text(encoding="utf-8"))
    left_alone, edited = plan["documents"][0], plan["documents"][1]
    assert "Case management" in left_alone["name"]
    assert "Learning recovery" in edited["name"]
    del plan["documents"][0]
    edited["columns"]["KMTopic"]["add"].append({"term": "Inclusive education"})
    file.write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")

    apply = ("tag", "apply", str(file))
    killed = [_killed(up, lambda: up.ours("SELECT 1 FROM km_run"), *apply)]
    so_far, enough = _written(up), random.randrange(1, 5)
    killed.append(_killed(up, lambda: _written(up) >= so_far + enough, *apply))
    end = time.monotonic() + random.uniform(0.5, 2.5)
    killed.append(_killed(up, lambda: time.monotonic() > end, *apply))
    assert any(killed)
    if up.json("tag", "list")[0]["state"] != "done":
        up.km365(*apply)
    (run,) = up.json("tag", "list")
    shown = up.json("tag", "show", run["id"])
    assert run["state"] == "done"
    assert {change["state"] for change in shown["changes"]} == {"done"}
    assert len(shown["changes"]) == len(plan["documents"])
    refused = up.km365(*apply, code=4)
    assert "applied already" in refused.stderr

    tagged = _fields(up, OFFICE)
    assert tagged[left_alone["name"]] == before[left_alone["name"]]
    topics = {term["Label"] for term in tagged[edited["name"]]["KMTopic"]}
    assert topics == {one["term"] for one in edited["columns"]["KMTopic"]["add"]}
    for document in plan["documents"]:
        page = up.page(document["web_url"].replace(up.base, "") + "?web=1")
        for column in document["columns"].values():
            for one in column["add"]:
                assert one["term"].replace("'", "&#39;") in page

    so_far = _written(up)
    undone = f"undo-{run['id']}"
    if _killed(up, lambda: _written(up) > so_far, "tag", "undo", run["id"]) and any(
        one["id"] == undone and one["state"] != "done" for one in up.json("tag", "list")
    ):  # a kill may come when all is done
        up.km365("tag", "undo", run["id"])
    assert _fields(up, OFFICE) == before


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the five published documents are not on this machine")
def test_published_documents_get_terms_that_make_sense(up: Up, tmp_path: Path) -> None:
    drive = _library(up, HEADQUARTERS)
    for seed in sorted(SEEDS.glob("*.txt")):
        path = f"/v1.0/drives/{drive}/root:/Seeds/{seed.name}:/content"
        headers = {"Authorization": "Bearer test", "Content-Type": "text/plain"}
        assert up.http.put(path, content=seed.read_bytes(), headers=headers).status_code == 201
    file = tmp_path / "plan.json"
    up.km365("tag", "plan", "--site", HEADQUARTERS, "--folder", "/Seeds", "-o", str(file))
    plan = json.loads(file.read_text(encoding="utf-8"))
    found = {
        document["name"][:3]: {
            one["term"] for column in document["columns"].values() for one in column["add"]
        }
        for document in plan["documents"]
    }
    assert all(found.values())
    assert found["000"] >= {"Innovation documentation", "Lessons learned", "Good practice documentation"}
    assert found["001"] >= {"Innovation documentation", "Knowledge management"}
    assert found["002"] >= {"Child labour", "Good practice documentation", "Lessons learned"}
    assert found["003"] >= {"Strategy", "Knowledge management", "Enterprise content management"}
    assert found["004"] >= {"Partnerships for children", "Civil society", "Child rights"}


def _killed(up: Up, moment: Callable[[], object], *words: str) -> bool:
    """Run a command and kill it about that moment; False when it had ended by itself."""
    command = [*KM365, *words]
    with subprocess.Popen(command, env=up.environment, stderr=subprocess.DEVNULL, cwd=up.home) as child:
        until(lambda: child.poll() is not None or moment())
        time.sleep(random.uniform(0, 0.03))
        child.kill()
    assert child.returncode in {0, 4, -9}  # 4: an earlier one had ended just before its kill
    return child.returncode == -9


def _written(up: Up) -> int:
    """How many documents have had their columns written, ever."""
    ((count,),) = up.theirs("SELECT COUNT(*) FROM journal WHERE verb = 'PATCH' AND status = 200")
    return int(count)


def _library(up: Up, office: str) -> str:
    """The id of an office's library."""
    drives = up.graph(f"/sites/{up.graph(f'/sites/{office}')['id']}/drives")["value"]
    return str(next(one["id"] for one in drives if one["name"] == "Documents"))


def _fields(up: Up, office: str) -> dict[str, dict[str, Any]]:
    """What a library's columns hold, by file name, but for what every write changes."""
    site = up.graph(f"/sites/{office}")["id"]
    items = up.graph(f"/sites/{site}/lists/Documents/items?$expand=fields&$top=200")["value"]
    files = [item["fields"] for item in items if item["fields"]["ContentType"] != "Folder"]
    moving = {"@odata.etag", "Modified", "EditorLookupId", "_UIVersionString"}
    return {one["FileLeafRef"]: {k: v for k, v in one.items() if k not in moving} for one in files}
