"""`train` and its relatives as the tests of training call them."""

import argparse

from sw_model.training import command as train


def parse(module, *words):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def command(data, *words):
    """`train` on a tiny network, without a compiler."""
    words = ["--data", data, "--no-compile", *words]
    return train.main(parse(train, *words))


FEW = ["--config", "tiny", "--batch", "2", "--every", "2"]
