"""cuDNN's attention where it cannot run: one line before anything is traced."""

import pytest

from configs import base
from experiments.building.fused_attention import check_fused_attention
from experiments.run import main
from tests.experiments import tiny


def config_of(attention="cudnn", dtype="bfloat16"):
    config = base.experiment()
    config.model = base.gpt(layers_num=1, heads_num=2, embedding_dim=16)
    config.model.attention, config.model.dtype = attention, dtype
    return config


@pytest.mark.parametrize(
    ("config", "num_members", "platform", "told"),
    [
        (config_of(), 1, "cpu", "this is a cpu; use 'blockwise'"),
        (config_of(), 2, "gpu", "trains one run and these are 2"),
        (config_of(dtype="float32"), 1, "gpu", "model.dtype=bfloat16"),
    ],
)
def test_where_it_cannot_run_is_refused(config, num_members, platform, told):
    with pytest.raises(ValueError, match=told):
        check_fused_attention(config, num_members, platform)


def test_where_it_can_run_and_other_attentions_are_not():
    check_fused_attention(config_of(), 1, "gpu")
    check_fused_attention(config_of("blockwise", "float32"), 9, "cpu")
    config = base.experiment()
    config.model = base.mlp((3,))
    check_fused_attention(config, 9, "cpu")


def test_the_command_says_so_in_one_line(tmp_path, capsys):
    changes = {"model__attention": "cudnn", "model__attention_dropout": False, "model__dtype": "bfloat16"}
    assert main(tiny.arguments(tmp_path, **changes)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "config.model.attention='cudnn' is a kernel of NVIDIA's GPUs" in line
