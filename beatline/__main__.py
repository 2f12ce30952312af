"""The command line: `beatline --help`. Whatever goes wrong is one sentence on standard error."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - before anything that an older Python cannot even read
    sys.exit("Beatline needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031

from sqlalchemy.exc import DBAPIError

from api.core.errors import DomainError
from beatline.cli import app
from beatline.installation import Failure


def main() -> None:
    try:
        app()
    except Failure as failure:
        _end(failure.sentence, failure.code)
    except DomainError as error:
        _end(error.sentence, 1)
    except DBAPIError as error:
        _end(f"The database refused that ({type(error.orig).__name__}). Run: beatline doctor", 1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(sentence: str, code: int) -> None:
    sys.stderr.write(sentence + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
