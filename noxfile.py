"""The one task runner: `nox` checks everything, `nox -s tests` one thing."""

import nox

# Sessions use the environment that nox is started from (`pip install -e '.[dev]'`): torch is installed once.
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "layers", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and form."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports point one way and that the core knows no plugin by name."""
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Check that the documents say what the code does, and build the site; arguments after `--` go to pytest."""
    session.run("pytest", "tests/docs", *session.posargs)
    folder = session.create_tmp()
    session.run(
        "sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "-d", f"{folder}/doctrees", "docs", f"{folder}/site"
    )
    session.log(f"{folder}/site/index.html")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure speed; arguments after `--` go to pytest."""
    session.run("pytest", "benchmarks", "-n", "0", *session.posargs)  # side by side would be no measure
