"""What may befall a certificate on its way to its targets, and that there is a test of each.

A case is proved by the tests that stand beside it, as ``file: test``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CASES = {
    "a command that hangs": "targets/exec: a_program_that_hangs_is_ended",
    "a reload that hangs, and the other targets": (
        "../../e2e/deploy: a_reload_that_hangs_is_ended_and_holds_up_no_other_target"
    ),
    "a service that accepts, and says nothing": (
        "service/served_certificate: a_service_that_says_nothing_is_not_waited_for_without_end"
    ),
    "an API that hangs, answers 429 or 5xx": "targets/fastly: what_may_pass_leaves_one_certificate_served",
    "an API that refuses, or makes no sense": (
        "targets/fastly: what_does_not_pass_is_said_and_the_old_certificate_is_served_on"
    ),
    "AWS refuses, throttles, fails": "targets/secretsmanager: what_aws_refuses_is_said_with_its_words_and_what_to_do",  # noqa: E501
    "AWS writes one of three secrets": "targets/secretsmanager: of_three_secrets_none_is_new_where_one_was_refused",  # noqa: E501
    "an import whose answer is lost": "targets/acm: an_import_whose_answer_is_lost_is_not_done_twice",
    "two machines that write one secret": (
        "targets/vault: what_another_machine_writes_meanwhile_is_a_version_of_its_own"
    ),
    "one of several namespaces that may not be written": (
        "targets/kubernetes: none_is_changed_where_one_may_not_be"
    ),
    "an answer that drips, or never ends": (
        "targets/vault: what_does_not_pass_is_said_within_its_time_and_the_old_one_stays"
    ),
    "half a file": "targets/files: an_installation_that_failed_leaves_nothing_to_undo",
    "a full disk": "targets/files_faults: on_a_full_disk_the_old_pair_stays_and_nothing_is_left_behind",
    "a full disk under the state folder": "delivery/delivery: goes_back_also_where_the_ledger_cannot_be_written",  # noqa: E501
    "a wrong owner": "targets/files_faults: who_may_not_give_files_away_is_told_and_the_old_pair_stays",
    "a test that fails": "delivery/delivery: of_the_test_brings_the_old_back_and_does_not_touch_the_service",
    "a reload that fails": "delivery/delivery: of_the_service_brings_the_old_back_and_reloads_again",
    "a reload that fails after two installations": (
        "calls: a_service_that_refuses_gets_what_it_had_before_the_run_though_two_came_in_it"
    ),
    "SIGKILL at every step of a file installation": (
        "targets/files_killed: a_kill_at_any_instant_leaves_a_matching_pair_and_the_next_run_completes"
    ),
    "SIGKILL between installation, reload and record": (
        "delivery/delivery: at_any_instant_leaves_it_to_the_next_run"
    ),
    "SIGKILL on the way back": "delivery/delivery: on_the_way_back_leaves_it_to_the_next_run_to_install_it_anew",  # noqa: E501
    "SIGKILL before anything is written down": (
        "calls: a_renewal_that_the_hook_was_never_told_of_is_noticed_at_the_next_run"
    ),
    "SIGKILL before exit_hook": "calls: what_a_run_that_died_had_queued_is_done_by_the_next",
    "the client renews while its files are read": (
        "delivery/certificate_files: what_is_brought_is_what_was_inspected_though_the_client_renews_meanwhile"
    ),
    "two processes, one with an older certificate": (
        "delivery/again: of_an_older_certificate_by_another_process_does_not_pass_for_the_newer_one"
    ),
    "half a script on another machine": (
        "targets/ssh: what_goes_wrong_there_is_said_and_the_old_file_stays"
    ),
    "another machine that accepts, and never answers": (
        "machines: a_machine_that_hangs_holds_nobody_up"
    ),
    "SIGKILL between HAProxy's set and commit": (
        "targets/haproxy: what_a_killed_process_left_open_is_aborted_and_done_anew"
    ),
    "another's transaction in HAProxy": (
        "targets/haproxy: a_transaction_for_another_certificate_is_not_touched"
    ),
    "two certificates at one path": (
        "section: are_refused_for_a_pattern_without_the_name_in_the_path"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_test(case: str) -> None:
    file, name = CASES[case].split(": ")
    folder, _, name_of_file = file.rpartition("/")
    path = Path(__file__).parent / folder / f"test_{name_of_file}.py"
    tests = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    assert f"test_{name}" in tests
