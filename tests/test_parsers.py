"""How the text of a setting is read."""

import pytest

from homequeue import parsers


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("4K", 4096), ("1.5 M", 3 * 2**19), ("2GiB", 2**31)]
)
def test_sizes(text, size):
    assert parsers.size(text) == size


@pytest.mark.parametrize("text", ["", "big", "4X", "-4K", "1,5M"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match="a size"):
        parsers.size(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (" \n ", ()),
        ("json://a", ("json://a",)),
        ("json://a json://b", ("json://a", "json://b")),
        ("json://a,json://b,\nslack://c,", ("json://a", "json://b", "slack://c")),
        ("mailto://a@b?to=c@d,e@f", ("mailto://a@b?to=c@d,e@f",)),
        ("mailto://a@b?to=c@d,e@f, json://x", ("mailto://a@b?to=c@d,e@f", "json://x")),
    ],
)
def test_channels(text, found):
    assert parsers.channels(text) == found


@pytest.mark.parametrize("wrong", ["mailto:/hunter2", "hunter2", "://hunter2", "mailto://"])
def test_what_is_no_channel_is_counted_not_told(wrong):
    with pytest.raises(ValueError, match="address 2 of 2 is none") as caught:
        parsers.channels(f"json://localhost {wrong}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "redis://h:6379/0", "rediss://:p%2Fw@h", "unix:///run/r.sock"]
)
def test_addresses_of_redis(text):
    assert parsers.queue_url(f" {text} ") == text


@pytest.mark.parametrize("wrong", ["amqp://hunter2", "redis://:hunter2/x@host:6379", "redis://[h"])
def test_what_is_no_address_of_redis_is_not_told(wrong):
    with pytest.raises(ValueError, match="redis://") as caught:
        parsers.queue_url(wrong)
    assert "hunter2" not in str(caught.value)


def test_one_proxy():
    assert parsers.proxy("") == ()
    assert parsers.proxy(" 10.0.0.1 ") == ("10.0.0.1",)
    assert parsers.proxy("0:0::1") == ("::1",)


@pytest.mark.parametrize("wrong", ["10.0.0.1, 10.0.0.2", "nginx", "localhost", "10.0.0.0/8", "*"])
def test_what_is_not_one_proxy(wrong):
    with pytest.raises(ValueError, match="one IP address"):
        parsers.proxy(wrong)


@pytest.mark.parametrize(
    ("parse", "text", "written"),
    [
        (parsers.size, "0", "0"),
        (parsers.size, "1000", "1000"),
        (parsers.size, "1.5G", "1536M"),
        (parsers.size, "2048K", "2M"),
        (parsers.size, "3T", "3T"),
        (parsers.quiet_hours, "", ""),
        (parsers.quiet_hours, "9:05-00:00", "09:05-00:00"),
        (parsers.yes_no, "off", "no"),
        (parsers.channels, "json://a,json://b", "json://a json://b"),
        (parsers.proxy, "", ""),
        (parsers.whole, " 07 ", "7"),
        (parsers.text, " /srv ", "/srv"),
    ],
)
def test_what_was_read_is_written_and_read_again(parse, text, written):
    assert parsers.written(parse, parse(text)) == written
    assert parse(written) == parse(text)


@pytest.mark.parametrize("text", ["https://photos.home", "http://pi:8420/", ""])
def test_the_address_of_the_house(text):
    assert parsers.url(text) == text.rstrip("/")


@pytest.mark.parametrize("text", ["photos.home", "ftp://x", "https://x/photos"])
def test_what_is_no_address_of_the_house(text):
    with pytest.raises(ValueError, match="an address such as"):
        parsers.url(text)
