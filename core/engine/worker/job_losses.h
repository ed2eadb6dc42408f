#pragma once
// The workers that were lost with a job, and whether it is the job that kills them.

#include <cstdint>
#include <optional>
#include <string>

namespace kinora::core {

// How far a worker came with a job, over all of its passes.
struct JobPlace {
    int64_t steps = 0;    // of the whole job that are done
    int64_t pictures = 0; // that were handed out

    bool isBeyond(const JobPlace& other) const {
        return steps > other.steps || (steps == other.steps && pictures > other.pictures);
    }
    friend bool operator==(const JobPlace&, const JobPlace&) = default;
};

class JobLosses {
  public:
    // A worker was lost at that place. -> a clause that says why the job is set aside, empty where
    // another one shall try it: two at the same place, one after the other, or so many without the
    // job having come further, wherever they were lost.
    std::string add(JobPlace place);

    // Where the last one was lost; the beginning where none was.
    JobPlace last() const { return m_last.value_or(JobPlace{}); }
    // Whether no worker was lost with it that came so far.
    bool isNew(JobPlace place) const { return !m_furthest || place.isBeyond(*m_furthest); }

    static constexpr int kMostAtOnePlace = 2, kMostInVain = 6;

  private:
    std::optional<JobPlace> m_last, m_furthest;
    int m_atOnePlace = 0, m_inVain = 0;
};

} // namespace kinora::core
