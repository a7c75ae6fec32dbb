"""Linear layers and LSTM cells in a form that exports with names and quantises well."""

import torch
from torch import Tensor, nn


class Product(nn.Module):
    """A linear layer as a plain product with a named ``(in, out)`` matrix.

    The exporter would store a Linear's transposed weight under a number; with the
    names kept a shipped model can be the start of a new training.
    """

    def __init__(self, matrix: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix.detach().clone().contiguous())
        self.bias = nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """``x @ matrix + bias``."""
        return x @ self.matrix + self.bias


class Cell(nn.Module):
    """One LSTM layer, a row at a time, its two weight matrices side by side."""

    def __init__(self, lstm: nn.LSTM, layer: int) -> None:
        super().__init__()
        taken = (getattr(lstm, f"weight_{k}_l{layer}") for k in ("ih", "hh"))
        bias = getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")
        self.gates = Product(torch.cat(list(taken), 1).T, bias)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C)`` each; the next h and c."""
        i, f, g, o = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


def through_cells(
    cells: nn.ModuleList, rows: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """What ``nn.LSTM`` gives for one row, ``(B, 1, C)``, from a cell per layer."""
    row, hs, cs = rows[:, 0], [], []
    for layer, cell in enumerate(cells):
        row, kept = cell(row, h[layer], c[layer])
        hs.append(row)
        cs.append(kept)
    return row[:, None], (torch.stack(hs), torch.stack(cs))
