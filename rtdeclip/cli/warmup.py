"""``rtdeclip warmup``: compiles and caches every kernel that sound will need."""

import typer

RATES = (48000, 16000)


def warmup(
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print nothing."),
    rate: list[int] = typer.Option(
        list(RATES), "--rate", help="Sample rate in Hz to prepare; repeatable."
    ),
) -> None:
    """Compile the kernels once, so that the first start is as fast as the next.

    [bold]Examples[/bold]

    rtdeclip warmup

    rtdeclip warmup --rate 44100
    """
    from time import perf_counter

    from rtdeclip.benchmarks.warmup import warm, warm_live
    from rtdeclip.errors import RtdeclipError
    from rtdeclip.stream.registry import listings

    start = perf_counter()
    warm_live()
    if not quiet:
        typer.echo(f"{'live engine':24s} {perf_counter() - start:6.2f} s")
    for name, listing in listings("processors").items():
        method = listing.method
        if method is None or method.kind != "processor" or method.note:
            continue
        start = perf_counter()
        try:
            for one in rate:
                if not method.rates or one in method.rates:
                    warm(method, one)
        except RtdeclipError as error:  # one that needs a setting, such as a folder
            if not quiet:
                typer.echo(f"{name:24s} left out: {error}")
            continue
        if not quiet:
            typer.echo(f"{name:24s} {perf_counter() - start:6.2f} s")
