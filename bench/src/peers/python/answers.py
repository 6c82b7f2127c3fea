"""What the workers of bench answer with: a question a line on standard input, a line back, `ok ...` or `no reason` (dev.jacquard.cli.AskedProcess)."""
import sys
import traceback

import torch


def serve(answers):
    """Answers until standard input ends. `answers` is functions of the words behind a question, by question; what they return, if anything, follows `ok`."""
    answers = {"hello": lambda: f"torch {torch.__version__} channels-last, {torch.get_num_threads()} threads", **answers}
    for line in sys.stdin:
        question, *args = line.split()
        try:
            if question not in answers:
                raise ValueError("no such question: " + question)
            answer = answers[question](*args)
            print("ok", "" if answer is None else answer, flush=True)
        except Exception as e:  # whatever a library throws is an answer
            traceback.print_exc()
            print("no", f"{type(e).__name__}: {e}".replace("\n", " ")[:300], flush=True)
