#pragma once
// What the steps of a job take, op by op: the plans of later jobs are set right by it.
//
//     MeasuredWork work(speed);
//     work.begin(device); // the prompts are encoded, steps come next
//     work.stepDone();
//     work.end(); // before the device may go
//
// The thread that computes.

#include "kernels/backend/device.h"
#include "pipelines/plan/time_model.h"

namespace kinora::core {

class MeasuredWork {
  public:
    // speed: that the job was planned with.
    explicit MeasuredWork(const pipelines::DeviceSpeed& speed) : m_speed(speed) {}
    ~MeasuredWork() { end(); }
    MeasuredWork(const MeasuredWork&) = delete;
    MeasuredWork& operator=(const MeasuredWork&) = delete;

    void begin(kernels::Device& device);
    // The first one since begin() is left out: in it kernels are made and memory is touched.
    void stepDone();
    // What has been done since the last step was no part of one.
    void skip();
    void end();

    // Of all steps that count; null where there was none.
    const pipelines::ClassTimes* times() const { return m_steps > 0 ? &m_times : nullptr; }

  private:
    const pipelines::DeviceSpeed m_speed;
    kernels::Device* m_device = nullptr; // while it records
    bool m_first = true;                 // the step that is next
    int64_t m_steps = 0;
    pipelines::ClassTimes m_times;
};

} // namespace kinora::core
