"""Distillation against its formula, and its limit of high temperatures against half a squared distance."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.training.losses import distillation_loss, logit_matching_loss, smoothed_cross_entropy

from . import sample

STUDENT, TEACHER = sample.logits(seed=1), sample.logits(seed=2)


def by_hand(student: Any, teacher: Any, temperature: float, of_the_student: float | None = None) -> float:
    of_teacher = sample.log_softmax(teacher, temperature)
    of_student = sample.log_softmax(student, of_the_student or temperature)
    return -math.fsum(math.exp(t) * s for t, s in zip(of_teacher, of_student, strict=True))


def loss(student: Any, temperature: float, of_the_student: float | None = None) -> torch.Tensor:
    given = student if isinstance(student, torch.Tensor) else torch.tensor(student)
    return distillation_loss(
        given, torch.tensor(TEACHER), distillation_temperature=temperature, student_temperature=of_the_student
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 16.0])
def test_it_is_the_cross_entropy_of_softened_student_and_teacher(temperature: float) -> None:
    expected = [by_hand(z, v, temperature) for z, v in zip(STUDENT, TEACHER, strict=True)]
    sample.assert_equal(loss(STUDENT, temperature), expected)


def test_the_student_may_have_a_temperature_of_its_own() -> None:
    expected = [by_hand(z, v, 4.0, 0.5) for z, v in zip(STUDENT, TEACHER, strict=True)]
    sample.assert_equal(loss(STUDENT, 4.0, 0.5), expected)
    with pytest.raises(InputError, match="student_temperature must be above 0 and finite"):
        loss(STUDENT, 4.0, 0.0)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_its_gradient_is_the_difference_of_softened_probabilities_over_t(temperature: float) -> None:
    expected = [
        [(math.exp(s) - math.exp(t)) / temperature for s, t in zip(student, teacher, strict=True)]
        for student, teacher in (
            (sample.log_softmax(z, temperature), sample.log_softmax(v, temperature))
            for z, v in zip(STUDENT, TEACHER, strict=True)
        )
    ]
    np.testing.assert_allclose(sample.gradient(lambda z: loss(z, temperature), STUDENT), expected, atol=1e-14)


def test_a_student_equal_to_its_teacher_has_the_least_loss_which_is_the_teachers_entropy() -> None:
    entropy = [by_hand(v, v, 2.0) for v in TEACHER]
    sample.assert_equal(loss(TEACHER, 2.0), entropy)
    assert (loss(STUDENT, 2.0).numpy() > entropy).all()
    assert np.abs(sample.gradient(lambda z: loss(z, 2.0), TEACHER)).max() < 1e-15


def test_a_cold_teacher_is_a_hard_label() -> None:
    student, teacher = torch.tensor(STUDENT) / 1e5, torch.tensor(TEACHER)
    found = distillation_loss(student, teacher, distillation_temperature=1e-5)
    hard = smoothed_cross_entropy(student / 1e-5, teacher.argmax(dim=1), smoothing=0.0)
    torch.testing.assert_close(found, hard)


def test_a_teacher_that_predicts_smoothed_labels_is_label_smoothing() -> None:
    labels = torch.tensor(sample.labels())
    targets = 0.8 * np.eye(5)[labels.numpy()] + 0.04
    found = distillation_loss(torch.tensor(STUDENT), torch.tensor(np.log(targets)), distillation_temperature=1.0)
    torch.testing.assert_close(found, smoothed_cross_entropy(torch.tensor(STUDENT), labels, smoothing=0.2))


@pytest.mark.parametrize("function", ["soft", "logits"])
def test_the_teacher_gets_no_gradient(function: str) -> None:
    student, teacher = torch.tensor(STUDENT).requires_grad_(), torch.tensor(TEACHER).requires_grad_()
    value = (
        distillation_loss(student, teacher, distillation_temperature=2.0)
        if function == "soft"
        else logit_matching_loss(student, teacher)
    )
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert teacher.grad is None
    assert student.grad is not None


def test_matching_logits_is_half_the_squared_distance() -> None:
    expected = [
        math.fsum((a - b) ** 2 for a, b in zip(z, v, strict=True)) / 2 for z, v in zip(STUDENT, TEACHER, strict=True)
    ]
    sample.assert_equal(logit_matching_loss(torch.tensor(STUDENT), torch.tensor(TEACHER)), expected)
    found = sample.gradient(lambda z: logit_matching_loss(z, torch.tensor(TEACHER)), STUDENT)
    np.testing.assert_allclose(found, STUDENT - TEACHER, rtol=1e-14)


def test_at_high_temperatures_distillation_becomes_matching_of_logits() -> None:
    """k·T²·(H(p^t, p) − H(p^t)) → Σ(z − v)²/2 for rows of equal mean, with an error that falls as 1/T."""
    teacher = TEACHER - TEACHER.mean(axis=1, keepdims=True)
    student = STUDENT - STUDENT.mean(axis=1, keepdims=True)
    limit = logit_matching_loss(torch.tensor(student), torch.tensor(teacher)).numpy()
    errors = []
    for temperature in (100.0, 1000.0):
        soft, floor = (
            distillation_loss(torch.tensor(z), torch.tensor(teacher), distillation_temperature=temperature).numpy()
            for z in (student, teacher)
        )
        errors.append(np.abs(5 * temperature**2 * (soft - floor) / limit - 1).max())
    assert errors[0] < 0.2
    assert errors[1] < 0.11 * errors[0]


def test_the_limit_of_rows_with_other_means_is_that_of_the_rows_less_their_means() -> None:
    k, temperature = 5, 10_000.0
    gradient = sample.gradient(lambda z: temperature**2 * loss(z, temperature), STUDENT)
    centred = (STUDENT - STUDENT.mean(axis=1, keepdims=True)) - (TEACHER - TEACHER.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(k * gradient, centred, atol=0.02)


def test_bfloat16_logits_are_computed_in_float32() -> None:
    student, teacher = torch.tensor(STUDENT).bfloat16(), torch.tensor(TEACHER).bfloat16()
    found = distillation_loss(student, teacher, distillation_temperature=3.0)
    assert found.dtype == logit_matching_loss(student, teacher).dtype == torch.float32
    assert torch.equal(found, distillation_loss(student.float(), teacher.float(), distillation_temperature=3.0))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_divides_nothing_is_refused(temperature: float) -> None:
    with pytest.raises(InputError, match="distillation_temperature must be above 0 and finite"):
        loss(STUDENT, temperature)


def test_student_and_teacher_of_different_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"one shape, got \(2, 3\) and \(2, 4\)"):
        distillation_loss(torch.zeros(2, 3), torch.zeros(2, 4), distillation_temperature=1.0)
    with pytest.raises(InputError, match=r"one shape, got \(2, 3\) and \(1, 3\)"):
        logit_matching_loss(torch.zeros(2, 3), torch.zeros(1, 3))
