"""All independent errors of a file come at once, and one mistake is one message."""

from __future__ import annotations

from analysing import codes


def test_independent_errors_come_together():
    text = (
        "input X[n,d]\nA[n] = Xx[n,d]\nB[n] = X[n]\nC = exp(X[n,d])\nD[q] = 1\n"
        "E[n,d] = softmax(X[n,d])\nF[n] = F[n] X[n,d]\n"
    )
    assert sorted(codes(text)) == ["E0201", "E0207", "E0303", "E0401", "E0406", "E0409"]


def test_what_follows_from_a_mistake_is_not_told():
    assert codes("input X[n]\nA[m] = Y[m]\nB[m] = A[m] + X[m]\nC[m] = 2 B[m]\nL = exp(C[m] C[m])\n") == ["E0201"]


def test_a_clash_is_told_once():
    text = "dim i = 3, j = 4\ninput X[i], Z[j]\nA[i] = X[i]\nB = A[i] Z[i]\nC = 2 B\n"
    assert codes(text) == ["E0301"]


def test_the_settings_of_training_are_checked_before_it_runs():
    start = "input X[b]\nparam W\nL = (W - X[b])^2\n"
    assert codes(start + "minimize L with adamm(lr=0.1), epochs=1\n") == ["E0801"]
    assert codes(start + "minimize L with sgd(lr=-0.1), epochs=1\n") == ["E0803"]
    assert codes(start + "minimize L with sgd(lr=0.1), epochs=1, clip=1\n") == []
