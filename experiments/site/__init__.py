"""The course as a local site: pure functions from findings, runs and tables to pages, and what draws their pictures."""
