import pytest

from homequeue import config
from homequeue.errors import ConfigError


@pytest.fixture
def ini(tmp_path):
    path = tmp_path / "homequeue.ini"
    path.write_text("[server]\nport = 9000\n[uploads]\nmax_size = 2G\n", encoding="utf-8")
    return str(path)


def test_defaults_without_any_layer(tmp_path):
    settings = config.load(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert settings.server.port == 8420
    assert settings.renditions.thumbnail == 480
    assert settings.renditions.preview == 1440


def test_a_later_layer_wins(ini):
    environ = {"HOMEQUEUE_SERVER_PORT": "9001"}
    assert config.load(ini, environ={}).server.port == 9000
    assert config.load(ini, environ=environ).server.port == 9001
    assert config.load(ini, {"server.port": "9002"}, environ).server.port == 9002


def test_the_source_of_a_value_is_known(ini):
    settings = config.load(ini, {"trash.days": "3"}, {"HOMEQUEUE_SERVER_HOST": "::1"})
    assert settings.sources == {
        "server.port": ini,
        "uploads.max_size": ini,
        "server.host": "HOMEQUEUE_SERVER_HOST",
        "trash.days": "command line",
    }


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("server.port", "eighty", "a port"),
        ("server.port", "70000", "a port"),
        ("uploads.max_size", "big", "a size"),
        ("queue.workers", "0", "from 1 to 64"),
        ("queue.url", "amqp://x", "redis://"),
        ("log.level", "loud", "debug, info"),
        ("trash.days", "-1", "whole number"),
    ],
)
def test_a_wrong_value_names_itself_and_its_layer(key, text, words):
    variable = "HOMEQUEUE_" + key.replace(".", "_").upper()
    with pytest.raises(ConfigError) as caught:
        config.load(environ={variable: text})
    assert key in str(caught.value)
    assert variable in str(caught.value)
    assert words in str(caught.value)


def test_an_unknown_option_is_an_error(tmp_path):
    path = tmp_path / "wrong.ini"
    path.write_text("[server]\nprot = 1\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"server\.prot \(.*wrong\.ini\): there is no such option"
    ):
        config.load(str(path), environ={})


def test_a_named_file_must_exist():
    with pytest.raises(ConfigError, match="does not exist"):
        config.load("/nowhere/homequeue.ini", environ={})


def test_a_broken_file_is_an_error_in_words(tmp_path):
    path = tmp_path / "broken.ini"
    path.write_text("port = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(str(path), environ={})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[notifications]\nurls json//me-hunter2@x\n", "there is no option = value in line 2."),
        ("mailto//hunter2\n", "line 1 comes before any [section]."),
        ("[log]\n[queue]\nurl = x\nurl = redis://:hunter2@x", "line 4 sets queue.url a second"),
        ("[queue]\n[queue]\nurl = redis://:hunter2@x", "line 2 begins [queue] a second time."),
        ("[queue]\nurl = redis://:h\udcfcnter2@x", "it is not in UTF-8."),
    ],
)
def test_a_broken_file_names_the_line_and_not_what_it_holds(tmp_path, text, words):
    path = tmp_path / "broken.ini"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        config.load(str(path), environ={})
    assert f"{path} cannot be read: {words}" in str(caught.value)
    assert "nter2" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_an_error_in_words(tmp_path, monkeypatch):
    def forbidden(*_args, **_options):
        raise PermissionError(13, "Permission denied", "x")

    path = tmp_path / "closed.ini"
    path.touch()
    monkeypatch.setattr(config.Path, "read_text", forbidden)
    with pytest.raises(ConfigError, match=r"closed\.ini cannot be read: Permission denied\."):
        config.load(str(path), environ={})


def test_the_file_of_a_secret_must_be_there():
    words = r"queue\.url \(HOMEQUEUE_QUEUE_URL_FILE\): the file /nowhere/x cannot be read: No such"
    with pytest.raises(ConfigError, match=words):
        config.load(environ={"HOMEQUEUE_QUEUE_URL_FILE": "/nowhere/x"})


@pytest.mark.parametrize("option", [option for option in config.OPTIONS if option.secret])
def test_a_wrong_secret_is_not_told(option):
    with pytest.raises(ConfigError) as caught:
        config.load(environ={option.variable: "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert option.key in str(caught.value)
    assert option.variable in str(caught.value)


def test_a_secret_may_come_from_a_file(tmp_path):
    path = tmp_path / "url"
    path.write_text("redis://:secret@localhost/0\n", encoding="utf-8")
    settings = config.load(environ={"HOMEQUEUE_QUEUE_URL_FILE": str(path)})
    assert settings.queue.url == "redis://:secret@localhost/0"


def test_a_secret_is_never_shown():
    settings = config.load(environ={"HOMEQUEUE_QUEUE_URL": "redis://:secret@localhost/0"})
    shown = [config.shown(settings, option) for option in config.OPTIONS]
    assert not any("secret" in text for text in shown)
    with pytest.raises(ConfigError) as caught:
        config.load(environ={"HOMEQUEUE_QUEUE_URL": "amqp://:secret@x"})
    assert "secret" not in str(caught.value)


def test_the_data_folder():
    explicit = config.load(overrides={"library.path": "/srv/photos"}, environ={})
    assert str(config.data_folder(explicit, {})) == "/srv/photos"
    nothing = config.load(environ={})
    systemd = {"STATE_DIRECTORY": "/var/lib/homequeue:/other", "XDG_DATA_HOME": "/x"}
    assert str(config.data_folder(nothing, systemd)) == "/var/lib/homequeue"
    assert str(config.data_folder(nothing, {"XDG_DATA_HOME": "/x"})) == "/x/homequeue"


def test_the_explained_file_sets_every_default(tmp_path):
    lines = [
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in config.explain().splitlines()
    ]
    path = tmp_path / "all.ini"
    path.write_text("\n".join(lines), encoding="utf-8")
    settings = config.load(str(path), environ={})
    assert set(settings.sources) == {option.key for option in config.OPTIONS}
    assert config.shown(settings, config.OPTIONS[0]) == config.OPTIONS[0].default
