"""The list of what was compared, and of what was not.

    tally.add("ok", [("sampler", "euler"), ...]); tally.print()
"""

import random_additions
import random_ip_adapters
import random_loras
import random_passes
import random_runs
import random_schedules
import random_single_files

# What can be drawn: where one of these was not, the list says so.
KNOWN = {
    "pipeline": [f"{kind}/{mode}" for kind, mode in random_runs.PIPELINES],
    "sampler": list(random_schedules.SAMPLERS),
    "schedule": ["normal", *random_schedules.FLAGS, *random_schedules.PUBLISHED],
    "passes": list(random_passes.PASSES),
    "addition": [cls.__name__ for cls in random_additions.ADDITIONS],
    "LoRA layout": list(random_loras.LAYOUTS),
    "LoRA kind": list(dict.fromkeys(random_loras.KINDS)),
    "IP-Adapter": list(random_ip_adapters.KINDS),
    "single file": [f"{layout}, {form}" for layout in random_single_files.TEXT
                    for form in random_single_files.FORMS],
}


class Tally:
    def __init__(self):
        self.counts = {}  # heading, name: verdict: how often

    def add(self, verdict, features):
        for feature in set(features):
            own = self.counts.setdefault(feature, {})
            own[verdict] = own.get(verdict, 0) + 1

    def print(self):
        """A line for each name, "ok" first."""
        headings = [*KNOWN, *sorted({heading for heading, _ in self.counts} - set(KNOWN))]
        print("\nCompared with the reference:")
        for heading in headings:
            print(f"{heading}:")
            drawn = sorted(name for own, name in self.counts if own == heading)
            for name in [*KNOWN.get(heading, []),
                         *(name for name in drawn if name not in KNOWN.get(heading, []))]:
                verdicts = self.counts.get((heading, name), {})
                told = ", ".join(f"{count} {verdict}" for verdict, count in
                                 sorted(verdicts.items(), key=lambda item: item[0] != "ok"))
                print(f"  {name}: {told or 'NOT DRAWN'}")
