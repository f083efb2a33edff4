"""What people type: names of jobs, filters, times, parameters, answers to questions."""
