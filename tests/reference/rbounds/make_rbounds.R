# Numbers for tests/models/test_rosenbaum.py and test_unmeasured.py. rbounds and EValue are installed packages; sensitivitymv and DOS2 are read from
# their sources (they need nothing but stats):  Rscript make_rbounds.R <folder of this file> <sensitivitymv source> <DOS2 source>
suppressMessages({library(rbounds); library(EValue); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE); out <- args[1]
for (f in file.path(args[2], "R", c("senmv.R", "mscorev.R", "separable1v.R"))) source(f)
source(file.path(args[3], "R", "senWilcoxExact.R"))
load(file.path(args[3], "data", "lead.rda"))
set.seed(20261124)
n <- 40; k <- sample(2:5, n, replace = TRUE)  # units in each set, the treated one first
y <- t(sapply(k, function(m) c(round(rnorm(1, 1), 3), round(rnorm(m - 1), 3), rep(NA, 5 - m))))
write.csv(lead[, c("exposed", "control")], file.path(out, "lead.csv"), row.names = FALSE)
write.csv(data.frame(set = rep(seq_len(n), k), treated = unlist(lapply(k, function(m) c(1, rep(0, m - 1)))), outcome = unlist(lapply(seq_len(n), function(i) y[i, seq_len(k[i])]))),
          file.path(out, "sets.csv"), row.names = FALSE)
gammas <- c(1, 1.5, 2, 3, 4, 5)
frame <- function(x) setNames(as.list(x$bounds), c("gamma", "lower", "upper"))
each <- function(f) lapply(gammas, f)
result <- list(
  psens = c(list(call = "psens(exposed, control, Gamma=5, GammaInc=.5), 4 decimals"), frame(psens(lead$exposed, lead$control, Gamma = 5, GammaInc = .5))),
  hlsens = c(list(call = "hlsens(exposed, control, pr=.001, Gamma=5, GammaInc=1), steps of .001"), frame(hlsens(lead$exposed, lead$control, pr = .001, Gamma = 5, GammaInc = 1))),
  binarysens = c(list(call = "binarysens(12, 110, Gamma=6, GammaInc=1), P(B > 110), 5 decimals"), frame(binarysens(12, 110, Gamma = 6, GammaInc = 1))),
  senmv = list(call = "senmv(y, gamma, method='t')$pval, and of -y", gamma = gammas, greater = sapply(gammas, function(g) senmv(y, g, method = "t")$pval),
    less = sapply(gammas, function(g) senmv(-y, g, method = "t")$pval), deviate = sapply(gammas, function(g) senmv(y, g, method = "t")$deviate)),
  exact = list(call = "senWilcoxExact(differences, gamma) of DOS2", gamma = gammas, differences = round(y[1:18, 1] - y[1:18, 2], 3),
    pval = sapply(gammas, function(g) senWilcoxExact(round(y[1:18, 1] - y[1:18, 2], 3), gamma = g))),
  evalue = lapply(list(
    RR = list(call = "evalues.RR(10.73, 8.02, 14.36)", v = evalues.RR(10.73, 8.02, 14.36)), RR_below = list(call = "evalues.RR(.8, .71, .91)", v = evalues.RR(.8, .71, .91)),
    RR_holds = list(call = "evalues.RR(1.2, .9, 1.6)", v = evalues.RR(1.2, .9, 1.6)), RR_true = list(call = "evalues.RR(2.5, 2, 3.1, true = 1.4)", v = evalues.RR(2.5, 2, 3.1, true = 1.4)),
    OR_common = list(call = "evalues.OR(.86, .75, .99, rare = FALSE)", v = evalues.OR(.86, .75, .99, rare = FALSE)), OR_rare = list(call = "evalues.OR(1.7, 1.2, 2.4, rare = TRUE)", v = evalues.OR(1.7, 1.2, 2.4, rare = TRUE)),
    MD = list(call = "evalues.MD(.5, .25)", v = evalues.MD(.5, .25)), MD_clear = list(call = "evalues.MD(-.42, .14)", v = evalues.MD(-.42, .14))),
    function(x) list(call = x$call, ratio = unname(x$v[1, ]), evalue = unname(x$v[2, ]))))
write_json(result, file.path(out, "results.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE)
