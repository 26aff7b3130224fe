# Numbers for tests/models/test_equivalence.py:  Rscript make_pretrends.R <folder of this file> <clone of github.com/jonathandroth/pretrends>
suppressMessages({library(mvtnorm); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
for (f in list.files(file.path(args[2], "R"), full.names = TRUE)) source(f)
load(file.path(args[2], "data", "HeAndWangResults.rda"))
h <- HeAndWangResults; sigma <- as.matrix(h$sigma)
set.seed(1)
slope <- function(p, ...) slope_for_power(sigma = sigma, targetPower = p, tVec = h$tVec, referencePeriod = -1, ...)
write_json(list(beta = as.vector(h$beta), sigma = unname(sigma), t = h$tVec,
  call = "slope_for_power(sigma, targetPower, tVec, referencePeriod = -1); threshold 1.96", power = c(.5, .8, .9), slope = sapply(c(.5, .8, .9), slope),
  readme = list(slope50 = 0.05205871, meanAfterPretesting_pre = c(-0.09230764, -0.05555285, -0.02790950),
    meanAfterPretesting_post = c(0.06490184, 0.12084694, 0.16946498, 0.22453827))), file.path(args[1], "pretrends.json"), digits = NA, auto_unbox = TRUE)
