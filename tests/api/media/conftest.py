from tests.api.posts.conftest import accounts as accounts
from tests.api.posts.conftest import call as call
