import json
import pickle

import pytest

from homequeue.queue.messages import SignedJson


def test_what_is_signed_comes_back():
    serializer = SignedJson(b"secret")
    assert serializer.deserialize(serializer.serialize({"job": 7})) == {"job": 7}


def test_a_message_is_readable_json():
    body, _, _ = SignedJson(b"secret").serialize({"job": 7}).rpartition(b".")
    assert json.loads(body) == {"job": 7}


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b".",
        b'{"job":7}',
        b'{"job":7}.0000',
        SignedJson(b"other").serialize({"job": 7}),
        pickle.dumps({"job": 7}),
        b"\xff\xfe.\xff",
    ],
)
def test_what_we_did_not_sign_is_refused(forged):
    with pytest.raises(ValueError, match="signature"):
        SignedJson(b"secret").deserialize(forged)
