"""Golden conversations by SMS: what a phone texts and every SMS that comes back, word for word.

`REWRITE_TRANSCRIPTS=1` writes down what is answered now; read the difference before keeping it. `{reference}` and
`{code}` stand for those of the last récépissé, `{resume}` for the last resume code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.text import segments
from tests.sms.conftest import OTHER, Texter

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.yaml"))
_REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")
_CODE = re.compile(r"(?<=vérification )\d{6}|(?<=Verification code )\d{6}")


class _Block(yaml.SafeDumper):
    """Every text in quotes or in a block: nothing that a reader could take for something else."""


def _text(dumper: _Block, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else '"')


_Block.add_representer(str, _text)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_conversation_reads_as_written(path: Path, phone: Texter) -> None:
    script = yaml.safe_load(path.read_text(encoding="utf-8"))
    known: dict[str, str] = {}
    said = []
    phones = {"first": phone, "other": phone.as_number(OTHER)}
    for step in script["conversation"]:
        who = phones[step.get("from", "first")]
        phone.later(minutes=step.get("after_minutes", 1))
        answers = who.says(str(step["text"]).format(**known))
        for answer in answers:
            assert segments.measure(answer).encoding == "GSM-7"
            _remember(known, answer)
        said.append({**step, "answers": [_masked(answer) for answer in answers]})
    written = {**script, "conversation": said}
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        text = yaml.dump(written, Dumper=_Block, allow_unicode=True, sort_keys=False, width=10_000)
        path.write_text(text, encoding="utf-8")
    assert written == script


def _remember(known: dict[str, str], answer: str) -> None:
    shown, code = _REFERENCE.search(answer), _CODE.search(answer)
    if shown and code:
        known.update(reference=shown[0], code=code[0])


def _masked(answer: str) -> str:
    return _CODE.sub("......", re.sub(r"\d{4} \d{4}(?=\.\.)", ".... ....", _REFERENCE.sub(".... .... ....", answer)))
