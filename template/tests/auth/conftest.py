"""What the tests of callers share: a contract that tells what differs when it is broken."""

import pytest

pytest.register_assert_rewrite("tests.auth.contract")
