#pragma once
// The nets of a request that steer by a picture, ControlNets and T2I-Adapters alike, each with what
// the request keeps of it in three lists.
//
//     auto nets = steeringNets(request);
//     nets[0].choice.weight = 0.5;
//     setSteeringNets(request, nets);

#include "core/library/companion_files.h"
#include "pipelines/request/control_choice.h"

#include <string>
#include <vector>

namespace kinora::app {

struct SteeringNet {
    core::CompanionKind kind = core::CompanionKind::ControlNet; // or Adapter
    pipelines::ControlChoice choice;
    std::string picture; // file; empty: none yet
    std::string prepare = "none";
};

// ControlNets, then T2I-Adapters, each in the request's order.
std::vector<SteeringNet> steeringNets(const pipelines::ImageRequest& request);

// Preparations stay unnamed where none is made.
void setSteeringNets(pipelines::ImageRequest& request, const std::vector<SteeringNet>& nets);

// How a picture was made names its nets and not the files that they followed: those of `before`
// stay where the net at that place is the same, the others are to be given again.
void keepPicturesOf(pipelines::ImageRequest& request, const pipelines::ImageRequest& before);

} // namespace kinora::app
