"""Distillation: a student learns from a teacher's probabilities, or from its logits."""

from torch import Tensor

from calib.errors import InputError
from calib.training.losses._inputs import widened


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    distillation_temperature: float,
    student_temperature: float | None = None,
) -> Tensor:
    """Cross-entropy ``(n,)`` in nats of the student against the teacher, logits ``(n, k)`` divided by T and by S.

    H(p^t(T), p(S)) = −Σ_k p^t_k(T) ln p_k(S); S is T unless given.  Hinton et al. use one T for both, Müller et al. a
    student at S = 1, so that T alone decides how soft its targets are.  With a weight β they train on
    (1 − β)·H(y, p) + β times this.  The teacher gets no gradient.  The least value is the teacher's entropy, not 0.

    Raises `InputError` for temperatures that are not above 0 and finite, and for logits of different shapes.  Sources:
    Hinton et al. (2015), Distilling the Knowledge in a Neural Network; Müller et al. (2019), When Does Label Smoothing
    Help?

    >>> import torch
    >>> distillation_loss(torch.zeros(1, 4), torch.tensor([[9.0, 1.0, 0.0, 0.0]]), distillation_temperature=2.0)  # ln 4
    tensor([1.3863])
    """
    of_student = distillation_temperature if student_temperature is None else student_temperature
    given = {"distillation_temperature": distillation_temperature, "student_temperature": of_student}
    for name, temperature in given.items():
        if not 0 < temperature < float("inf"):
            raise InputError(
                f"{name} must be above 0 and finite, got {temperature}",
                help="1 to 16 are usual; for the limit of high temperatures see logit_matching_loss",
            )
    student, teacher = _pair(student_logits, teacher_logits)
    targets = (teacher / distillation_temperature).softmax(dim=1)
    return -(targets * (student / of_student).log_softmax(dim=1)).sum(dim=1)


def logit_matching_loss(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Half the squared distance ``(n,)`` of the student's logits ``(n, k)`` from the teacher's: Σ_k (z_k − v_k)²/2.

    The limit of high temperatures: k·T²·(H(p^t(T), p(T)) − H(p^t(T))) tends to it where both rows have the same mean
    (and to the same of the rows less their means where not).  Müller et al. train their MNIST students on 0.4 times the
    cross-entropy plus 0.6 times this.  The teacher gets no gradient.

    Raises `InputError` for logits of different shapes.  Source: Hinton et al. (2015), section 2.1.

    >>> import torch
    >>> logit_matching_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 1.0]]))  # (4 + 1) / 2
    tensor([2.5000])
    """
    student, teacher = _pair(student_logits, teacher_logits)
    return (student - teacher).square().sum(dim=1) / 2


def _pair(student_logits: Tensor, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Both, wide enough to compute with, and the teacher cut off from its gradient."""
    student, teacher = widened(student_logits), widened(teacher_logits.detach())
    if student.shape != teacher.shape:
        raise InputError(
            f"student and teacher must have logits of one shape, got {tuple(student.shape)} and {tuple(teacher.shape)}",
            help="both must see the same examples and know the same classes",
        )
    return student, teacher
