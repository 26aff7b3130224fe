# Reference results for cluster-robust variances with few clusters, made in R.
#
#   Rscript make_clubsandwich.R    (run it from this folder; about a minute)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.

suppressMessages({library(clubSandwich); library(plm)})

exact <- function(v) {                   # 15 digits; nothing where R has NA
  if (!is.numeric(v)) return(v)
  s <- sprintf("%.15g", v)
  s[is.na(v)] <- ""
  s
}
write_exact <- function(d, file, quote = FALSE) {
  write.csv(as.data.frame(lapply(d, exact)), file, row.names = FALSE, quote = quote, na = "")
}

# ---------------------------------------------------------------- data

# Two sets: 10 clusters of 2 to 58 rows, 16 of 1 to 41. `tc` is treatment of whole clusters (3 of 10, 4 of 16), `tu` of single rows;
# `mw` weights as a matcher gives them: 1 for treated rows (`tu`), sums of thirds and halves for the others, some of them 0.
make_few <- function() {
  set.seed(20265, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  sizes <- list("10" = c(58, 41, 30, 22, 15, 9, 7, 5, 3, 2), "16" = c(41, 33, 28, 20, 17, 12, 10, 8, 7, 6, 5, 4, 3, 2, 2, 1))
  treated_clusters <- list("10" = c(2, 5, 8), "16" = c(1, 6, 9, 13))
  do.call(rbind, lapply(names(sizes), function(set) {
    cluster <- rep(seq_along(sizes[[set]]), sizes[[set]])
    n <- length(cluster)
    x <- round(rnorm(n, 0.1 * (cluster - 5), 1), 4)
    z <- rbinom(n, 1, 0.4)
    tc <- as.integer(cluster %in% treated_clusters[[set]])
    tu <- rbinom(n, 1, plogis(-0.7 + 0.5 * x))
    mw <- ifelse(tu == 1, 1, round(sample(c(0, 1 / 3, 1 / 2, 1, 4 / 3, 11 / 6, 3), n, TRUE, prob = c(.1, .2, .2, .25, .1, .1, .05)), 6))
    y <- round(1 + rnorm(length(sizes[[set]]), 0, 0.6)[cluster] + 0.4 * x + 0.5 * tc + 0.3 * tu + 0.2 * z + rnorm(n, 0, 1), 4)
    data.frame(set, row = seq_len(n), cluster, tc, tu, x, z, mw, y)
  }))
}
if (!file.exists("few.csv") || nzchar(Sys.getenv("REMAKE"))) write_exact(make_few(), "few.csv")
few <- read.csv("few.csv")
panel <- read.csv("../did/panel.csv")
panel$joined <- as.integer(panel$cohort > 0 & panel$period >= panel$cohort)
panel$event <- ifelse(panel$cohort > 0, panel$period - panel$cohort, -1)
panel$lead <- factor(pmax(pmin(panel$event, 3), -4), levels = c(-1, -4, -3, -2, 0:3))

# change of cohort 4 against those never treated, from period 3 to period 6
change <- reshape(panel[panel$cohort %in% c(0, 4) & panel$period %in% c(3, 6), c("unit", "period", "cohort", "council", "x1", "x2", "w", "y")],
                  idvar = c("unit", "cohort", "council", "x1", "x2", "w"), timevar = "period", direction = "wide")
change$dy <- change$y.6 - change$y.3
change$treated <- as.integer(change$cohort == 4)
data <- list(few10 = few[few$set == 10, ], few16 = few[few$set == 16, ], panel = panel, unbalanced = panel[panel$kept == 1, ], change = change)
# lm keeps rows of weight 0 in its clusters; a matcher's rows of weight 0 are no rows
data$few10_used <- data$few10[data$few10$mw > 0, ]
data$few16_used <- data$few16[data$few16$mw > 0, ]

# ---------------------------------------------------------------- models

model <- function(name, data, fit, cluster = "cluster", joint = "", contrast = "") data.frame(model = name, data, fit, cluster, joint, contrast)
for_few <- function(k) {
  d <- paste0("few", k); u <- paste0(d, "_used")
  rbind(
    model(paste0(d, "_tc"), d, "lm(y ~ tc, data = d)"),
    model(paste0(d, "_tc_x"), d, "lm(y ~ tc + x, data = d)", joint = "tc, x"),
    model(paste0(d, "_tu"), d, "lm(y ~ tu, data = d)"),
    model(paste0(d, "_tu_x_z"), d, "lm(y ~ tu + x + z, data = d)", joint = "x, z"),
    model(paste0(d, "_tc_weighted"), u, "lm(y ~ tc, data = d, weights = mw)"),
    model(paste0(d, "_tu_weighted"), u, "lm(y ~ tu, data = d, weights = mw)"),
    model(paste0(d, "_tu_x_weighted"), u, "lm(y ~ tu + x, data = d, weights = mw)", joint = "tu, x"),
    model(paste0(d, "_tu_by_z"), d, "lm(y ~ tu * z + x, data = d)", joint = "tu, tu:z", contrast = "tu + tu:z"),
    model(paste0(d, "_tu_by_z_weighted"), u, "lm(y ~ tu * z + x, data = d, weights = mw)", joint = "tu, tu:z", contrast = "tu + tu:z"),
    model(paste0(d, "_tu_effects"), d, "lm(y ~ tu + x + factor(cluster), data = d)", joint = "tu, x"),
    model(paste0(d, "_tu_effects_weighted"), u, "lm(y ~ tu + x + factor(cluster), data = d, weights = mw)", joint = "tu, x"),
    model(paste0(d, "_mean"), d, "lm(y ~ 1, data = d)"))
}
leads <- "lead-4, lead-3, lead-2"; after <- "lead0, lead1, lead2, lead3"
models <- rbind(
  for_few(10), for_few(16),
  model("change", "change", "lm(dy ~ treated, data = d)", "council"),
  model("change_x", "change", "lm(dy ~ treated + x1 + x2, data = d)", "council", joint = "x1, x2"),
  model("change_weighted", "change", "lm(dy ~ treated, data = d, weights = w)", "council"),
  model("change_x_weighted", "change", "lm(dy ~ treated + x1 + x2, data = d, weights = w)", "council", joint = "x1, x2"),
  model("groups", "panel", "lm(y ~ joined + factor(cohort) + factor(period), data = d)", "council"),
  model("groups_unbalanced_weighted", "unbalanced", "lm(y ~ joined + factor(cohort) + factor(period), data = d, weights = w)", "council"),
  model("groups_event", "panel", "lm(y ~ lead + factor(cohort) + factor(period), data = d)", "council", joint = leads, contrast = after),
  model("groups_event_weighted", "panel", "lm(y ~ lead + factor(cohort) + factor(period), data = d, weights = w)", "council", joint = leads, contrast = after),
  model("twoway_dummies", "panel", "lm(y ~ joined + factor(unit) + factor(period), data = d)", "council"),
  model("twoway_dummies_weighted", "panel", "lm(y ~ joined + factor(unit) + factor(period), data = d, weights = w)", "council"),
  model("twoway_plm", "panel", 'plm(y ~ joined, data = d, index = c("unit", "period"), model = "within", effect = "twoways")', "council"),
  model("twoway_plm_unbalanced", "unbalanced", 'plm(y ~ joined, data = d, index = c("unit", "period"), model = "within", effect = "twoways")', "council"),
  model("unit_plm", "panel", 'plm(y ~ joined + factor(period), data = d, index = c("unit", "period"), model = "within", effect = "individual")', "council"),
  model("unit_plm_by_unit", "panel", 'plm(y ~ joined + factor(period), data = d, index = c("unit", "period"), model = "within", effect = "individual")', "unit"),
  model("event_plm", "panel", 'plm(y ~ lead + factor(period), data = d, index = c("unit", "period"), model = "within", effect = "individual")', "council",
        joint = leads, contrast = after)
)

# ---------------------------------------------------------------- results

types <- c("CR0", "CR1", "CR1S", "CR2", "CR3")
split_terms <- function(text) trimws(strsplit(text, "[,+]")[[1]])
shown <- function(names) !grepl("^factor\\(", names)
constraint_rows <- function(terms, names) {
  m <- matrix(0, length(terms), length(names))
  m[cbind(seq_along(terms), match(terms, names))] <- 1
  m
}
results <- joints <- contrasts <- NULL
models$n <- NA; models$n_clusters <- NA; models$largest <- NA; models$smallest <- NA; models$without <- ""
for (k in seq_len(nrow(models))) {
  m <- models[k, ]
  d <- data[[m$data]]
  fit <- eval(parse(text = m$fit))
  names_of <- names(coef(fit))
  counts <- table(d[[m$cluster]])
  models$n[k] <- nrow(d); models$n_clusters[k] <- length(counts); models$largest[k] <- max(counts); models$smallest[k] <- min(counts)
  weighted <- grepl("weights", m$fit)
  working <- if (weighted) c("identity", "inverse_weights") else "identity"
  big <- grepl("dummies", m$model)
  for (w in working) for (type in types) {
    if (w == "inverse_weights" && !(type %in% c("CR2"))) next
    target <- if (w == "inverse_weights") 1 / weights(fit) else NULL
    v <- tryCatch(if (is.null(target)) vcovCR(fit, cluster = d[[m$cluster]], type = type) else
      vcovCR(fit, cluster = d[[m$cluster]], type = type, target = target), error = function(e) e)
    if (inherits(v, "error")) {          # CR3 of a dummy that one cluster alone has: no rows are stored
      if (type != "CR3" || !grepl("singular", conditionMessage(v))) stop(v)
      models$without[k] <- "CR3"
      next
    }
    keep <- if (big) "joined" else names_of[shown(names_of)]
    satt <- coef_test(fit, vcov = v, test = "Satterthwaite", coefs = keep)
    naive <- coef_test(fit, vcov = v, test = "naive-t", coefs = keep)
    results <- rbind(results, data.frame(model = m$model, working = w, type, term = keep, estimate = satt$beta, se = satt$SE,
                                         df = satt$df_Satt, p = satt$p_Satt, p_naive = naive$p_t))
    if (nzchar(m$joint) && type %in% c("CR1", "CR2", "CR3")) {
      cm <- constraint_rows(split_terms(m$joint), names_of)
      tests <- Wald_test(fit, constraints = cm, vcov = v, test = c("HTZ", "Naive-F", "chi-sq"))
      joints <- rbind(joints, data.frame(model = m$model, working = w, type, test = tests$test, statistic = tests$Fstat, df_num = tests$df_num,
                                         df_denom = tests$df_denom, p = tests$p_val))
    }
    if (nzchar(m$contrast)) {
      terms <- split_terms(m$contrast)
      share <- if (grepl(",", m$contrast)) 1 / length(terms) else 1
      cm <- matrix(colSums(constraint_rows(terms, names_of)) * share, 1)
      # linear_contrast() of 0.5.8 stops with an error here; HTZ on one constraint is the same test, F = t^2
      used <- !is.na(coef(fit))
      one <- Wald_test(fit, constraints = cm[, used, drop = FALSE], vcov = v, test = "HTZ")
      estimate <- sum(cm[, used] * coef(fit)[used])
      contrasts <- rbind(contrasts, data.frame(model = m$model, working = w, type, estimate, se = sqrt(drop(cm[, used] %*% v %*% cm[, used])),
                                               df = one$df_denom, p = one$p_val))
      stopifnot(abs(one$Fstat - estimate^2 / drop(cm[, used] %*% v %*% cm[, used])) < 1e-8 * one$Fstat)
    }
  }
}
write_exact(results, "coefficients.csv")
write_exact(joints, "joint_tests.csv")
write_exact(contrasts, "contrasts.csv")
write_exact(models, "models.csv", quote = TRUE)
cat(nrow(models), "models,", nrow(results), "coefficients,", nrow(joints), "joint tests,", nrow(contrasts), "contrasts\n")
