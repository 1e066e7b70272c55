#include "fovea/train/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>

#include "fovea/backend/cpu/processors.h"
#include "fovea/data/dataset.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/random.h"
#include "fovea/model/course.h"
#include "fovea/model/delta.h"
#include "fovea/model/location.h"
#include "fovea/model/save.h"
#include "fovea/model/save_sam.h"
#include "fovea/train/adamw.h"
#include "fovea/train/amp.h"
#include "fovea/train/batch_options.h"
#include "fovea/train/evaluation.h"
#include "fovea/train/gradients.h"
#include "fovea/train/objective.h"
#include "fovea/train/same_weights.h"
#include "fovea/train/state_file.h"
#include "fovea/train/student.h"
#include "fovea/train/training_files.h"
#include "fovea/train/weight_mean.h"

namespace fovea {
namespace {

constexpr const char* kDelta = "delta.safetensors";

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What the next line of the log is about.
struct Window {
  double loss = 0;
  int64_t steps = 0, images = 0, right = 0;
  Clock::time_point start = Clock::now();
};

class Run {
 public:
  Run(const Recipe& recipe, const TrainOptions& options, const AmpChoice& amp,
      const Processes& processes);
  void begin();
  Trained go();

 private:
  std::filesystem::path file(const char* name) const {
    return std::filesystem::path(recipe_.output) / name;
  }
  std::vector<TorchParameter> trained() const;
  std::vector<TorchParameter> state() const;
  const char* dtype_name() const { return amp_.in_bf16 ? "bf16" : "f32"; }
  void prepare_output();
  void go_on();
  Random step_random() const;
  void step(const Batch& batch);
  double learn(const Batch& batch, torch::Tensor& logits);
  void count(const Batch& batch, const torch::Tensor& logits, double loss, Clock::time_point start);
  void add(const JournalLine& line);
  void log_window();
  void save() const;
  void evaluate();
  void save_checkpoint();
  void run_epoch(int64_t epoch, int64_t first);
  double epochs_done() const {
    return static_cast<double>(done_.step) / static_cast<double>(per_epoch_);
  }

  Recipe recipe_;
  const TrainOptions& options_;
  AmpChoice amp_;
  const Processes& processes_;
  Medium medium_;
  TrainingFiles files_;
  std::unique_ptr<Dataset> val_data_;
  Student student_;
  Objective objective_;
  TrainingBatches batches_;
  AdamW optimizer_;
  Gradients gradients_;
  WeightMean mean_;
  std::unique_ptr<Journal> journal_;  // the first process's
  Progressed done_;
  int64_t per_epoch_ = 1;
  int64_t steps_ = 0;  // of the whole run
  Window window_;
  Clock::time_point last_checkpoint_ = Clock::now();
  Trained result_;
};

const Student& measured(const TrainingFiles& files, const Recipe& recipe, Student& student) {
  files.measure_for(recipe, student);
  return student;
}

Run::Run(const Recipe& recipe, const TrainOptions& options, const AmpChoice& amp,
         const Processes& processes)
    : recipe_(recipe),
      options_(options),
      amp_(amp),
      processes_(processes),
      medium_(medium_of(recipe)),
      files_(recipe, medium_),
      student_(make_student(recipe, files_.classes())),
      objective_(recipe, student_, course_of(student_.architecture, options.merge),
                 {.threads = options.threads,
                  .dtype = amp.in_bf16 ? Dtype::bf16 : Dtype::f32,
                  .heads = recipe.model.empty() ? recipe.num_heads : 0,
                  .key = recipe.model.empty() ? recipe.key : ""}),
      batches_(files_.batches(measured(files_, recipe, student_),
                              batch_options(recipe, student_, processes))),
      optimizer_(trained(), recipe, student_.architecture.depth),
      gradients_(optimizer_.trained(), processes),
      mean_(student_.torch->parameters(), recipe.model_ema) {
  per_epoch_ = batches_.batches_per_epoch();
  steps_ = std::max<int64_t>(1, std::llround(recipe.epochs * static_cast<double>(per_epoch_)));
  if (!recipe.val_split.empty() && objective_.classifies()) {
    val_data_ = open_dataset(recipe.data, recipe.val_split, {.medium = medium_});
    if (val_data_->classes() != files_.classes()) {
      fail("{}: the classes of {} are not those of {}", recipe.data, recipe.val_split,
           recipe.train_split);
    }
  }
  const Architecture& a = student_.architecture;
  course_of(a, options.eval_merge);  // for what it refuses
  if (options.merge.method == Method::foveal) {
    fail(
        "merge: method foveal compares tokens by weights as they were loaded, which training "
        "changes; expected method tome, or foveal as eval_merge");
  }
}

// The student's parameters, and what is trained beside them.
std::vector<TorchParameter> Run::trained() const {
  std::vector<TorchParameter> all = student_.torch->parameters();
  for (const TorchParameter& tensor : objective_.parameters()) all.push_back(tensor);
  return all;
}

std::vector<TorchParameter> Run::state() const {
  std::vector<TorchParameter> all = trained();
  for (const TorchParameter& tensor : mean_.state()) all.push_back(tensor);
  for (const TorchParameter& tensor : optimizer_.state()) all.push_back(tensor);
  return all;
}

// The models that the run reads must outlive it.
void check_output(const Recipe& recipe) {
  const std::filesystem::path output = recipe.output;
  std::vector<std::filesystem::path> written = {output / kDelta};
  if (!recipe.delta) written = {output, output / "model.safetensors", output / "config.json"};
  for (const std::string& model : {recipe.model, recipe.teacher}) {
    for (const std::filesystem::path& path : written) {
      if (!is_part_of(path, model)) continue;
      fail("output {}: holds the model {}; expected another folder", recipe.output, model);
    }
  }
}

void Run::prepare_output() {
  std::error_code error;
  std::filesystem::create_directories(recipe_.output, error);
  if (error) fail("output {}: cannot be made: {}", recipe_.output, error.message());
  const bool is_there = std::filesystem::exists(file("checkpoint.safetensors"));
  if (is_there && !options_.resume) {
    fail(
        "output {}: has the checkpoint of a run; expected --resume to go on with it, or another "
        "folder",
        recipe_.output);
  }
  if (!is_there && options_.resume) {
    fail(
        "output {}: has no checkpoint.safetensors to go on from; expected no --resume for a new "
        "run",
        recipe_.output);
  }
}

void Run::go_on() {
  done_ = read_state(file("checkpoint.safetensors"), state());
  optimizer_.set_steps(done_.step);
  options_.note(fmt::format("going on after step {} of {}", done_.step, steps_));
  if (!done_.dtype.empty() && done_.dtype != dtype_name()) {
    options_.note(
        fmt::format("multiplies in {}, but the steps before in {}: losses will be others "
                    "than had the run not ended; --amp true or false keeps to one",
                    dtype_name(), done_.dtype));
  }
}

void Run::begin() {
  prepare_output();
  LeftOut left_out = files_.left_out();
  if (val_data_) left_out.add(val_data_->left_out());
  if (const std::string text = to_string(left_out); !text.empty()) {
    options_.note("left out: " + text);
  }
  if (!amp_.note.empty()) options_.note(amp_.note);
  if (options_.resume) go_on();
  done_.dtype = dtype_name();
  if (processes_.is_first()) {
    journal_ = std::make_unique<Journal>(file("log.csv"), done_.step);
    write_atomically(file("recipe.json"), [&](std::ostream& out) { out << recipe_text(recipe_); });
  }
  if (processes_.size() > 1) {
    student_.torch->set_reducer([this](std::span<double> sums) { processes_.sum(sums); });
  }
  result_.model = recipe_.delta
                      ? split_delta(recipe_.model).base.string() + "+" + file(kDelta).string()
                      : recipe_.output;
  result_.parameters = parameters_of(student_);
  for (const auto& [name, values] : student_.torch->parameters()) {
    if (values.requires_grad()) result_.trained_parameters += values.numel();
  }
}

double Run::learn(const Batch& batch, torch::Tensor& logits) {
  Random random = step_random();
  torch::manual_seed(random.below(std::numeric_limits<int64_t>::max()));
  const Loss loss = objective_.of(batch, random);
  logits = loss.logits;
  const auto value = loss.value.item<double>();
  if (!std::isfinite(value)) {
    fail("the loss is {} at step {}; expected a number: a lower lr, or clip_grad, may help; {}",
         value, done_.step + 1,
         std::filesystem::exists(file("checkpoint.safetensors"))
             ? "the last checkpoint is still there for --resume"
             : "no checkpoint has been written yet");
  }
  loss.value.backward();
  return value;
}

// Every step has random numbers of its own, so that a run goes on as if it had not ended; and so
// has every process.
Random Run::step_random() const {
  const auto seed = static_cast<uint64_t>(recipe_.seed);
  const auto step = static_cast<uint64_t>(done_.step);
  const auto rank = static_cast<uint64_t>(processes_.rank());
  return processes_.size() == 1 ? Random({seed, step}) : Random({seed, step, rank});
}

void Run::step(const Batch& batch) {
  const Clock::time_point start = Clock::now();
  torch::Tensor logits;
  const double loss = learn(batch, logits);
  gradients_.finish();
  optimizer_.clip(recipe_.clip_grad);
  const int64_t warmup = std::llround(recipe_.warmup_epochs * static_cast<double>(per_epoch_));
  optimizer_.step(learning_rate(recipe_, done_.step, warmup, steps_));
  mean_.follow(done_.step);
  ++done_.step;
  count(batch, logits, loss, start);
}

// How many of a batch have their label as the greatest logit.
int64_t right_of(const Batch& batch, const torch::Tensor& logits) {
  const torch::Tensor chosen = logits.argmax(1).to(torch::kCPU);
  int64_t right = 0;
  for (int64_t i = 0; i < chosen.numel(); ++i) {
    right += chosen[i].item<int64_t>() == batch.labels[i] ? 1 : 0;
  }
  return right;
}

// What a step came to, over all processes.
void Run::count(const Batch& batch, const torch::Tensor& logits, double loss,
                Clock::time_point start) {
  const int64_t right = objective_.classifies() ? right_of(batch, logits) : 0;
  std::array<double, 3> sums = {loss, static_cast<double>(right), options_.stop() ? 1.0 : 0.0};
  processes_.sum(sums);
  const double mean_loss = sums[0] / processes_.size();
  result_.stopped = sums[2] > 0;
  window_.loss += mean_loss;
  window_.right += std::llround(sums[1]);
  window_.images += recipe_.batch_size;
  ++window_.steps;
  options_.on_step(done_.step, steps_, mean_loss, recipe_.batch_size / seconds_since(start));
}

void Run::add(const JournalLine& line) {
  if (!journal_) return;
  journal_->add(line);
  options_.on_line(line);
}

void Run::log_window() {
  if (window_.steps == 0) return;
  const double seconds = seconds_since(window_.start);
  done_.seconds += seconds;
  const auto images = static_cast<double>(window_.images);
  const int64_t warmup = std::llround(recipe_.warmup_epochs * static_cast<double>(per_epoch_));
  JournalLine line;
  line.step = done_.step;
  line.epoch = epochs_done();
  line.loss = window_.loss / static_cast<double>(window_.steps);
  if (objective_.classifies()) line.accuracy = 100 * static_cast<double>(window_.right) / images;
  line.learning_rate = learning_rate(recipe_, done_.step - 1, warmup, steps_);
  line.images_per_second = images / seconds;
  line.seconds = done_.seconds;
  add(line);
  result_.step_seconds += seconds;
  result_.steps += window_.steps;
  window_ = {};
}

void Run::save() const {
  if (student_.segmentation) {
    save_sam(recipe_.output, student_.architecture, student_.config, mean_.weights());
    return;
  }
  if (!recipe_.delta) {
    save_model(recipe_.output, student_.architecture, student_.config, mean_.weights());
    return;
  }
  Config config = student_.config;
  config.input_size = student_.architecture.input_size;
  const Checkpoint base = Checkpoint::open(split_delta(recipe_.model).base, recipe_.key);
  save_delta(base, mean_.weights(), config, file(kDelta));
}

void Run::evaluate() {
  log_window();
  if (processes_.is_first()) save();
  if (!val_data_) return;
  processes_.wait_for_all();  // until it is written
  const Model model = Model::load(result_.model, {.threads = options_.threads});
  const Watch watch = {options_.stop, options_.on_evaluated};
  const Accuracy accuracy = evaluate_on(
      model, *val_data_, {.merge = options_.eval_merge, .want_tokens = false}, watch, processes_);
  if (accuracy.images < val_data_->size()) return;  // told to stop
  JournalLine line;
  line.step = done_.step;
  line.epoch = epochs_done();
  line.val_top1 = accuracy.top1();
  line.val_top5 = accuracy.top5();
  line.seconds = done_.seconds;
  add(line);
  result_.top1 = line.val_top1;
  result_.top5 = line.val_top5;
}

void Run::save_checkpoint() {
  log_window();
  if (!processes_.is_first()) return;
  write_state(file("checkpoint.safetensors"), state(), done_);
  last_checkpoint_ = Clock::now();
  window_.start = last_checkpoint_;
}

// Steps of an epoch from its batch `first` on.
void Run::run_epoch(int64_t epoch, int64_t first) {
  batches_.start(epoch, first);
  if (window_.steps == 0) window_.start = Clock::now();
  Batch batch;
  while (done_.step < steps_ && batches_.next(batch)) {
    step(batch);
    if (result_.stopped) return;
    if (window_.steps >= recipe_.log_every) log_window();
    const auto every =
        static_cast<int64_t>(std::llround(recipe_.val_every * static_cast<double>(per_epoch_)));
    if (every > 0 && done_.step % every == 0 && done_.step < steps_) {
      evaluate();
      save_checkpoint();
    } else if (seconds_since(last_checkpoint_) > 60 * recipe_.checkpoint_minutes) {
      save_checkpoint();
    }
  }
}

Trained Run::go() {
  expect_same_weights(state(), processes_);
  student_.torch->set_training(true);
  while (!result_.stopped && done_.step < steps_) {
    run_epoch(done_.step / per_epoch_, done_.step % per_epoch_);
  }
  if (!result_.stopped) evaluate();
  save_checkpoint();
  if (result_.steps > 0) result_.step_seconds /= static_cast<double>(result_.steps);
  return result_;
}

// libtorch's errors come with pages of where they were thrown.
void say_plainly(const std::function<void()>& part) {
  try {
    part();
  } catch (const c10::Error& error) {
    fail("libtorch: {}", error.what_without_backtrace());
  }
}

}  // namespace

Trained train(const Recipe& recipe, const TrainOptions& given, const Processes& processes) {
  TrainOptions options = given;
  options.threads =
      options.threads > 0 ? threads_to_start(options.threads) : processes.processors();
  torch::set_num_threads(options.threads);
  Multiplier multiplier;
  processes.together([&] {
    check_recipe(recipe);
    check_output(recipe);
    say_plainly([&] { multiplier = multiplier_of(recipe.device); });
  });
  const AmpChoice amp = choose_amp(recipe.amp, agreed(multiplier, processes));
  std::unique_ptr<Run> run;
  processes.together([&] {
    say_plainly([&] {
      run = std::make_unique<Run>(recipe, options, amp, processes);
      run->begin();
    });
  });
  Trained trained;
  say_plainly([&] { trained = run->go(); });
  return trained;
}

}  // namespace fovea
