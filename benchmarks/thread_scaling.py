"""Speed with several threads over one: python benchmarks/thread_scaling.py --nets n1,n4"""

import argparse

from candidates import Worker, fastcnn, interleave
from common import chosen, quartiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", default="n1,n2,n3,n4,n5", help="n3, or n3:32 for one batch size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a block")
    parser.add_argument("--core", type=int, default=0, help="where the one-thread run is pinned")
    options = parser.parse_args()
    for net, batch in chosen(options.nets):
        counts = (1, options.threads)
        workers = [Worker(fastcnn(), net, batch, threads, options.core) for threads in counts]
        one, several = interleave(workers, options.rounds, options.seconds)
        for worker in workers:
            worker.close()
        ratios = [b / a for a, b in zip(one, several, strict=True)]
        times, single, multiple = (quartiles(values)[1] for values in (ratios, one, several))
        print(
            f"{net.key} batch {batch:3}: 1 thread {single:,.0f} images/s, "
            f"{options.threads} threads {multiple:,.0f}: {times:.2f} times"
            f"  ({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds)",
            flush=True,
        )


if __name__ == "__main__":
    main()
