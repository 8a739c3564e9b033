"""How AWS is spoken to: sizes, traces, faults, tries, deadlines and answers that get lost."""
